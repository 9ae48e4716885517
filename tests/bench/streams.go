package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// audience is a number of clients that follow the full state.
type audience struct {
	messages *messages
	opened   []opening

	mu      sync.Mutex
	watched string // the guest whose end is awaited
	told    int    // clients that know of it
	last    time.Time
	all     chan struct{} // closed when all know
}

// opening is how one client's stream began.
type opening struct {
	took time.Duration // from the first packet to the whole first state
	err  error
}

// measureStreams measures what clients cost that follow the full state, and how soon they know that a guest stopped.
func (b *bench) measureStreams(ctx context.Context, st *stage) (err error) {
	pid := st.pulse.PID()
	if err := forgetPeak(pid); err != nil {
		return fmt.Errorf("measure the peak of memory: %w", err)
	}
	before, err := cpuTime(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	a := &audience{messages: newMessages(), opened: make([]opening, b.streams)}
	following, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var first sync.WaitGroup
	failed := make(chan error, b.streams)
	for i := range b.streams {
		first.Add(1)
		wg.Go(func() {
			if err := a.follow(following, st, i, sync.OnceFunc(first.Done)); err != nil && following.Err() == nil {
				failed <- err
			}
		})
	}
	first.Wait()
	if err := a.noteOpenings(b, st); err != nil {
		return err
	}
	if err := a.stopGuests(ctx, b, st, failed); err != nil {
		return err
	}
	after, err := cpuTime(pid)
	if err != nil {
		return err
	}
	cycles := time.Since(began).Seconds() / cycle.Seconds()
	b.results.add(st.scene.name, fmt.Sprintf("CPU per 10 s with %d full-state clients", b.streams), "ms", (after-before).Seconds()*1e3/cycles)
	return b.noteMemory(st, fmt.Sprintf("%d full-state clients", b.streams))
}

// follow follows the state; ready is called with the first state or the end.
func (a *audience) follow(ctx context.Context, st *stage, i int, ready func()) error {
	defer ready()
	began := time.Now()
	c, err := dialStream(ctx, st.pulse.URL, token)
	if err != nil {
		a.opened[i].err = err
		return err
	}
	stop := context.AfterFunc(ctx, c.close)
	defer c.close()
	defer stop()
	for {
		payload, compressed, err := c.next()
		if err != nil {
			if a.opened[i].took == 0 {
				a.opened[i].err = err
			}
			return err
		}
		at := time.Now()
		m, err := a.messages.read(payload, compressed)
		if err != nil {
			return err
		}
		if m.kind == "initialState" {
			a.opened[i].took = at.Sub(began)
			ready()
		}
		a.look(c, m, at)
	}
}

func (a *audience) noteOpenings(b *bench, st *stage) error {
	var failures []error
	var took []float64
	for _, o := range a.opened {
		failures = append(failures, o.err)
		took = append(took, o.took.Seconds())
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	name := fmt.Sprintf("first state of %d clients at once: ", len(took))
	b.results.add(st.scene.name, name+"half of them", "s", median(took))
	b.results.add(st.scene.name, name+"the last", "s", slices.Max(took))
	return nil
}

// stopGuests stops guests one after the other and waits each time until all clients know.
func (a *audience) stopGuests(ctx context.Context, b *bench, st *stage, failed <-chan error) error {
	for n := range b.stops {
		cluster := st.simulator.Estate.Clusters[n%len(st.simulator.Estate.Clusters)]
		guest, err := running(ctx, st.simulator, cluster.Name)
		if err != nil {
			return err
		}
		all := a.watch(fmt.Sprintf(`"id":"%s-%s-%d"`, cluster.Name, guest.Node, guest.VMID))
		// At another moment of the cycle each time.
		if err := pause(ctx, cycle*time.Duration(n)/time.Duration(b.stops)/2); err != nil {
			return err
		}
		began := time.Now()
		if err := st.simulator.Act(ctx, "stop", sim.Order{Cluster: cluster.Name, VMID: guest.VMID}); err != nil {
			return err
		}
		limit := time.NewTimer(startLimit)
		select {
		case <-all:
		case err = <-failed:
		case <-limit.C:
			err = fmt.Errorf("not every client learned that guest %d of %s stopped", guest.VMID, cluster.Name)
		case <-ctx.Done():
			err = ctx.Err()
		}
		limit.Stop()
		if err != nil {
			return err
		}
		b.results.add(st.scene.name, "a guest stops to every client knows", "s", a.last.Sub(began).Seconds())
	}
	return nil
}

// running returns a guest that runs and that nothing keeps from being stopped.
func running(ctx context.Context, simulator *lab.Simulator, cluster string) (sim.Guest, error) {
	guests, err := simulator.Guests(ctx, cluster)
	if err != nil {
		return sim.Guest{}, err
	}
	for _, g := range guests {
		if g.Status == "running" && g.Lock == "" && !g.Template {
			return g, nil
		}
	}
	return sim.Guest{}, fmt.Errorf("no guest of %s runs", cluster)
}

// watch begins to look for the end of a guest; what it returns is closed when all clients know of it.
func (a *audience) watch(guest string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watched, a.told, a.all = guest, 0, make(chan struct{})
	return a.all
}

// look looks whether a client learns of the awaited end from a message that it had whole at the given time.
func (a *audience) look(c *streamClient, m *message, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.watched == "" || c.knows == a.watched || m.status(a.watched) != "stopped" {
		return
	}
	c.knows = a.watched
	a.told++
	if a.told == 1 || at.After(a.last) {
		a.last = at
	}
	if a.told == len(a.opened) {
		close(a.all)
	}
}
