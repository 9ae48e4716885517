package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// How long a look at the task list waits for the guests that it concerns.
const lookTimeout = 3 * time.Second

func (c *Collector) watch(ctx context.Context, prev *estate.Observation) (*estate.Observation, bool, error) {
	if prev == nil || c.opt.Target.Kind() != estate.PVE {
		return prev, false, nil
	}
	d := draftOf(prev, c.opt.Target)
	steps, meta, err := c.tasks(ctx, d)
	if err != nil {
		return prev, false, fmt.Errorf("watch %s: %w", c.opt.Target, err)
	}
	if steps == nil && !prev.Tasks.Since.IsZero() {
		return prev, false, nil
	}
	if !prev.Poll.LastSuccess.IsZero() { // before that there is nothing to complete
		w := d.take(steps, clockSkew(meta), meta.At)
		c.look(ctx, d, &w)
	}
	return d.done(), true, nil
}

// tasks reads the task list and moves the draft's mark behind it.
func (c *Collector) tasks(ctx context.Context, d *draft) ([]step, proxmox.Meta, error) {
	tasks, meta, err := c.opt.Client.ClusterTasks(ctx)
	if err != nil {
		return nil, meta, err
	}
	c.looked.Store(meta.At.UnixNano())
	now := meta.At.Add(time.Duration(clockSkew(meta)))
	mark := d.obs.Tasks
	if mark.Since.IsZero() && !d.obs.Poll.LastSuccess.IsZero() {
		// The list was never looked at, and the table that was read lags: what it cannot show yet is news.
		shown := d.obs.Poll.LastSuccess.Add(time.Duration(clockSkew(meta)) - d.obs.Poll.Took - directHold)
		_, mark = follow(mark, before(tasks, shown), d.isDown, now)
	}
	var steps []step
	steps, d.obs.Tasks = follow(mark, tasks, d.isDown, now)
	return steps, meta, nil
}

// before returns the tasks as a list told them at a time.
func before(tasks []proxmox.Task, at time.Time) []proxmox.Task {
	var known []proxmox.Task
	for _, t := range tasks {
		if !t.Start.Before(at) {
			continue
		}
		if !t.End.Before(at) {
			t.End, t.Status = time.Time{}, ""
		}
		known = append(known, t)
	}
	return known
}

// sight is the outcome of reading one guest.
type sight struct {
	want
	status proxmox.GuestStatus
	at     time.Time
	err    error
}

// look reads the wanted guests and takes them over. What cannot be read waits for the next pass.
func (c *Collector) look(ctx context.Context, d *draft, w *wants) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	located := false
	locate := func() {
		if located {
			return
		}
		located = true
		if resources, _, err := c.opt.Client.Resources(ctx); err == nil {
			d.locate(w, resources.Guests)
		}
	}
	for _, one := range w.byVMID {
		if one.moved || w.cloned {
			locate()
			break
		}
	}
	chosen := w.choose(func(one want) bool { return c.wants(one.kind) && !d.isDown(one.node) })
	lost := d.applySights(c.readGuests(ctx, chosen))
	if len(lost) == 0 || located {
		return
	}
	// They are not where the task ran: the cluster's table knows where they went.
	for _, one := range lost {
		w.byVMID[one.vmid] = want{vmid: one.vmid, kind: one.kind, node: one.node, ended: one.ended, moved: true}
	}
	locate()
	again := wants{byVMID: make(map[int]want)}
	for _, one := range lost {
		if found := w.byVMID[one.vmid]; found.node != one.node {
			again.byVMID[one.vmid] = found
		}
	}
	d.applySights(c.readGuests(ctx, again.choose(func(one want) bool { return !d.isDown(one.node) })))
}

func (c *Collector) wants(kind estate.GuestKind) bool {
	return kind == estate.VM && c.opt.Collect.VMs || kind == estate.Container && c.opt.Collect.Containers
}

// readGuests reads guests side by side; the client bounds how many at a time.
func (c *Collector) readGuests(ctx context.Context, chosen []want) []sight {
	sights := make([]sight, len(chosen))
	var wg sync.WaitGroup
	for i, one := range chosen {
		wg.Go(func() {
			status, meta, err := c.opt.Client.GuestStatus(ctx, one.node, proxmox.GuestKind(one.kind), one.vmid)
			sights[i] = sight{want: one, status: status, at: meta.At, err: err}
		})
	}
	wg.Wait()
	return sights
}

// applySights takes the guests over that could be read and returns those that are not where they were looked for.
func (d *draft) applySights(sights []sight) (lost []want) {
	for i := range sights {
		s := &sights[i]
		switch {
		case s.err == nil:
			d.applySight(s)
		case errors.Is(s.err, proxmox.ErrNotFound):
			lost = append(lost, s.want)
		}
	}
	return lost
}

func (d *draft) applySight(s *sight) {
	g := d.guest(s.vmid)
	switch {
	case g == nil:
		gone, _ := d.notes.guestNotes()
		before := gone[s.vmid]
		g = d.addGuest(s.vmid, before.next(), s.kind)
		d.notes.drop(departedNote(noteLeft, s.vmid, before.generation))
	case g.Kind != s.kind:
		d.notes.destroyed(g.VMID, g.Generation, s.at)
		*g = estate.Guest{VMID: s.vmid, Generation: g.Generation + 1, Kind: s.kind}
	}
	applyStatus(g, &s.status, s.node, s.at)
	d.notes.set(guestNote(noteDirect, s.vmid), s.at)
}
