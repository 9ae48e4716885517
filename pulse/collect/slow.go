package collect

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// outcome is a slow reading made. Of the values the one of its kind is set.
type outcome struct {
	read
	at   time.Time
	meta proxmox.Meta
	err  error
	late bool // there was no time left to begin it

	status   proxmox.ClusterStatus
	storages []proxmox.StorageConfig
	learned  proxmox.Learned
	rights   proxmox.Permissions
	detail   proxmox.NodeStatus
	guest    proxmox.GuestStatus
	mounts   []proxmox.Filesystem
}

// readSlow makes slow readings until ctx ends, the most wanted first, and returns them in the order of the plan. Those
// that another node or a privileged daemon answers come one after the other, since one that hangs holds up the next;
// those that the member asked answers for itself go beside them.
func (c *Collector) readSlow(ctx context.Context, obs *estate.Observation, reads []read) []outcome {
	outcomes := make([]outcome, len(reads))
	order := make([]int, len(reads))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return urgency(reads[a].kind) - urgency(reads[b].kind) })
	var wg sync.WaitGroup
	for _, local := range []bool{false, true} {
		wg.Go(func() {
			for _, i := range order {
				if reads[i].kind.local() == local {
					outcomes[i] = c.readOne(ctx, obs, reads[i])
				}
			}
		})
	}
	wg.Wait()
	return outcomes
}

// local tells whether the member asked answers alone and quickly.
func (k readKind) local() bool {
	return k == readPermissions || k == readStorages || k == readMembers
}

// urgency is the order in which readings are begun: what the first sight of a target shows before what keeps it going.
func urgency(kind readKind) int {
	return slices.Index([]readKind{
		readDetail, readClusterStatus, readPermissions, readStorages, readGuest, readAgent, readMembers,
	}, kind)
}

func (c *Collector) readOne(ctx context.Context, obs *estate.Observation, r read) outcome {
	o := outcome{read: r}
	if o.err = ctx.Err(); o.err != nil {
		o.late = true
		return o
	}
	client := c.opt.Client
	switch r.kind {
	case readClusterStatus:
		o.status, o.meta, o.err = client.ClusterStatus(ctx)
	case readStorages:
		o.storages, o.meta, o.err = client.Storages(ctx)
	case readMembers:
		c.learned.Store(time.Now().UnixNano())
		o.learned, o.err = client.Learn(ctx)
		o.meta.At = o.learned.At
	case readPermissions:
		o.rights, o.meta, o.err = client.Permissions(ctx)
	case readDetail:
		o.detail, o.meta, o.err = client.NodeStatus(ctx, r.node)
	case readGuest:
		if g := findGuest(obs.Guests, r.vmid); g != nil {
			o.guest, o.meta, o.err = client.GuestStatus(ctx, r.node, proxmox.GuestKind(g.Kind), r.vmid)
		}
	case readAgent:
		o.mounts, o.meta, o.err = client.GuestFilesystems(ctx, r.node, r.vmid)
	}
	o.at = o.meta.At
	return o
}

// apply takes slow readings over. now is when they were planned; hurried readings that ran out of time are made again in
// the next pass.
func (c *Collector) apply(d *draft, outcomes []outcome, now time.Time, hurried bool) {
	for i := range outcomes {
		o := &outcomes[i]
		if o.late {
			d.postpone(o)
			continue
		}
		d.obs.Poll.Requests += o.kind.requests()
		if o.err != nil {
			d.applyFailure(o, now, hurried)
			continue
		}
		if subject := o.subject(); subject != "" {
			d.notes.drop(noteForbidden + subject)
		}
		switch o.kind {
		case readClusterStatus:
			d.applyClusterStatus(&o.status, o.at)
		case readStorages:
			if c.opt.Collect.Storage {
				d.obs.Storages = applyDefinitions(d.obs.Storages, d.obs.Nodes, o.storages)
			}
		case readMembers:
			d.obs.Cluster.Version = o.learned.Version.Version
			if o.learned.ClusterName != "" {
				d.obs.Cluster.Name = o.learned.ClusterName
			}
			d.obs.Cluster.At = o.at
		case readPermissions:
			c.applyRights(d, o.rights, o.at)
		case readDetail:
			if node := d.node(o.node); node != nil {
				applyDetail(node, &o.detail, o.at)
			}
		case readGuest:
			d.applyGuest(o)
		case readAgent:
			d.applyMounts(o)
		}
	}
}

func (d *draft) applyClusterStatus(status *proxmox.ClusterStatus, at time.Time) {
	cluster := &d.obs.Cluster
	cluster.Name, cluster.Quorate, cluster.At = status.Name, value(status.Quorate), at
	for _, member := range status.Members {
		if node := findNode(d.obs.Nodes, member.Name); node != nil && member.IP != "" && node.Address != member.IP {
			d.node(member.Name).Address = member.IP
		}
		if member.Local {
			// The member's privileged daemon answered this one.
			d.notes.set(noteProtected+member.Name, at)
		}
	}
}

// applyGuest takes a guest's status over: all of it where the table knows nothing, otherwise only what it lacks.
func (d *draft) applyGuest(o *outcome) {
	g := d.guest(o.vmid)
	if g == nil {
		return
	}
	d.notes.drop(guestNote(noteGuest, o.vmid))
	if g.Name != "" {
		rotate(g, &o.guest, o.at)
		return
	}
	applyStatus(g, &o.guest, o.node, o.at)
	d.notes.set(guestNote(noteDirect, o.vmid), o.at)
	if g.Name == "" {
		d.notes.set(guestNote(noteGuest, o.vmid), o.at)
	}
}

// applyFailure records a slow reading that failed. The values read before stay, with their age.
func (d *draft) applyFailure(o *outcome, now time.Time, hurried bool) {
	cut := errors.Is(o.err, context.DeadlineExceeded) || errors.Is(o.err, context.Canceled)
	if errors.Is(o.err, proxmox.ErrForbidden) {
		d.applyForbidden(o, now)
	}
	switch {
	case o.kind == readAgent:
		d.applyMountsFailure(o, now)
	case o.kind == readGuest:
		d.notes.set(guestNote(noteGuest, o.vmid), now)
	case cut && hurried:
		d.postpone(o)
	case o.kind == readDetail:
		// Its turn comes again.
	case !errors.Is(o.err, proxmox.ErrForbidden):
		// The long intervals are for readings that work.
		d.notes.set(o.name, now.Add(-fixedEvery(o.kind)).Add(fixedRetry))
	}
}

// postpone makes a reading as due as it was.
func (d *draft) postpone(o *outcome) {
	switch subject := o.subject(); {
	case subject == "":
	case o.last.IsZero():
		d.notes.drop(subject)
	default:
		d.notes.set(subject, o.last)
	}
}

// fixedRetry is when a fixed reading that failed is tried again.
const fixedRetry = time.Minute

func fixedEvery(kind readKind) time.Duration {
	switch kind {
	case readStorages:
		return storagesEvery
	case readMembers:
		return membersEvery
	case readPermissions:
		return permissionsEvery
	default:
		return statusEvery
	}
}

// applyForbidden makes the permissions be read again, unless they just were.
func (d *draft) applyForbidden(o *outcome, now time.Time) {
	if subject := o.subject(); subject != "" {
		d.notes.set(noteForbidden+subject, now)
	}
	if now.Sub(d.obs.Permissions.At) > fixedRetry {
		d.notes.set(notePermissions, now.Add(-permissionsEvery))
	}
}
