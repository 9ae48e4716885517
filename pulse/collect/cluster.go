package collect

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// maxAttempts is how many members a pass tries before it believes that there is no quorum.
const maxAttempts = 3

// passCluster reads a PVE target. A member without quorum sees the others offline; another one is asked then.
func (c *Collector) passCluster(ctx context.Context, prev *estate.Observation) *estate.Observation {
	started := time.Now().UTC()
	var result *estate.Observation
	requests := 0
	for attempt := range maxAttempts {
		next, lonely := c.attempt(ctx, prev, started, attempt > 0)
		requests += next.Poll.Requests
		if result == nil || next.Poll.Reason == "" {
			result = next
		}
		if !lonely || !c.opt.Client.Avoid(next.Poll.Via) {
			break
		}
	}
	result.Poll.Requests = requests
	return result
}

// attempt is one pass through whichever member the client asks. lonely tells that this member said in this pass that it
// has no quorum.
func (c *Collector) attempt(
	ctx context.Context, prev *estate.Observation, started time.Time, again bool,
) (next *estate.Observation, lonely bool) {
	d := c.begin(prev)
	found, err := c.readTable(ctx, d)
	if err != nil {
		return c.failed(ctx, d, prev, err, started), false
	}
	found.triggers.status = found.triggers.status || again
	lonely = c.readRest(ctx, d, found, started)
	d.obs.Poll.Unreachable = unreachable(c.opt.Client.Members())
	if sentence := c.blind(d); sentence != "" {
		d.fail(estate.ReasonForbidden, sentence, started, time.Now().UTC())
		return d.done(), lonely
	}
	d.obs.Poll.Degraded = c.degraded(d, found.at)
	d.succeed(started, time.Now().UTC())
	return d.done(), lonely
}

// table is what the main reading leaves for the rest of the pass.
type table struct {
	at       time.Time
	took     time.Duration
	triggers triggers
}

// readTable reads the cluster's table of resources and merges it into the draft.
func (c *Collector) readTable(ctx context.Context, d *draft) (table, error) {
	resources, meta, err := c.opt.Client.Resources(ctx)
	d.obs.Poll.Requests++
	if err != nil {
		return table{}, err
	}
	d.answered(meta)
	c.catchUp(ctx, d, meta.At)
	m := merge{
		rows: &resources, at: meta.At, collect: c.opt.Collect,
		keepGuests:   lacks(d.obs.Permissions, privilegeGuests),
		keepStorages: lacks(d.obs.Permissions, privilegeStorages),
	}
	out := m.over(d)
	if len(out.vanishedGuests) > 0 || out.vanishedStorages > 0 {
		if c.checkRights(ctx, d) {
			m.keepGuests = lacks(d.obs.Permissions, privilegeGuests)
			m.keepStorages = lacks(d.obs.Permissions, privilegeStorages)
			out = m.over(d)
		}
	}
	d.obs.Nodes, d.obs.Guests, d.obs.Storages, d.notes = out.nodes, out.guests, out.storages, out.notes
	d.ownGuests, d.ownNodes = true, len(resources.Nodes) > 0
	c.opt.Client.LookAgain(out.changes.fresh...)
	return table{at: meta.At, took: meta.Took, triggers: triggers{
		nodes:    out.changes.fresh,
		status:   out.changes.down,
		members:  c.knowsNoMembers(meta.At),
		storages: out.storagesChanged && c.opt.Collect.Storage,
		rights:   regained(d.obs.Permissions, &resources) && meta.At.Sub(d.obs.Permissions.At) > fixedRetry,
	}}, nil
}

// knowsNoMembers tells whether the client knows no way around the configured address, as one just made knows none
// whatever an earlier one learned, and was not asked to learn lately.
func (c *Collector) knowsNoMembers(now time.Time) bool {
	if learned := c.opt.Client.Learned(); !learned.At.IsZero() || len(learned.Members) > 0 {
		return false
	}
	return now.Sub(time.Unix(0, c.learned.Load())) >= fixedRetry
}

// over runs a merge on the draft as it stands.
func (m merge) over(d *draft) merged {
	base := d.obs
	base.Reads = d.notes.times
	m.prev = &base
	return m.run()
}

// catchUp reads the task list when nobody looked at it lately, so that a guest that was destroyed and made again is told
// from one that stayed. Without the list the pass goes on.
func (c *Collector) catchUp(ctx context.Context, d *draft, now time.Time) {
	if d.obs.Tasks.Since.IsZero() && d.obs.Poll.LastSuccess.IsZero() {
		return // nothing to tell apart yet
	}
	if looked := c.looked.Load(); now.Sub(time.Unix(0, looked)) < max(c.opt.Interval, defaultInterval) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	d.obs.Poll.Requests++
	steps, meta, err := c.tasks(ctx, d)
	if err == nil {
		d.take(steps, clockSkew(meta), meta.At)
	}
}

// checkRights reads the permissions because something vanished, and tells whether a privilege went with it.
func (c *Collector) checkRights(ctx context.Context, d *draft) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	d.obs.Poll.Requests++
	rights, meta, err := c.opt.Client.Permissions(ctx)
	if err != nil {
		return false
	}
	c.applyRights(d, rights, meta.At)
	return lacks(d.obs.Permissions, privilegeGuests, privilegeStorages)
}

// regained tells whether a reply shows what the credential was not allowed to see.
func regained(known estate.Permissions, rows *proxmox.Resources) bool {
	return len(rows.Guests) > 0 && lacks(known, privilegeGuests) ||
		len(rows.Storages) > 0 && lacks(known, privilegeStorages)
}

// readRest makes the slow readings that are due. It tells whether the member asked said that it has no quorum.
func (c *Collector) readRest(ctx context.Context, d *draft, found table, started time.Time) (lonely bool) {
	now := time.Now().UTC()
	hurried := d.obs.Poll.LastSuccess.IsZero()
	ctx, cancel := patience(ctx, now, started, found.took, hurried)
	defer cancel()
	p := planner{
		obs: &d.obs, notes: &d.notes, now: now, interval: c.opt.Interval, triggers: found.triggers,
		collect: c.opt.Collect,
	}
	outcomes := c.readSlow(ctx, &d.obs, p.run())
	c.apply(d, outcomes, now, hurried)
	for i := range outcomes {
		o := &outcomes[i]
		if o.kind == readClusterStatus && o.err == nil && o.meta.Member == d.obs.Poll.Via {
			quorate, known := o.status.Quorate.Get()
			lonely = known && !quorate
		}
		if o.err != nil && !o.late {
			c.opt.Logger.LogAttrs(ctx, levelOf(o.err), "slow reading failed", attributes(c.opt.Target, o)...)
		}
	}
	return lonely
}

// patience bounds the slow readings. That the short time of a first pass ran out says nothing about who was asked, so it
// is told to the client as a change of mind rather than as a time-out.
func patience(
	ctx context.Context, now, started time.Time, took time.Duration, hurried bool,
) (context.Context, context.CancelFunc) {
	if !hurried {
		return context.WithDeadline(ctx, now.Add(graceFor(took)))
	}
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(started.Add(firstPass).Sub(now), cancel)
	return ctx, func() {
		timer.Stop()
		cancel()
	}
}

// blind returns a sentence when the credential is valid and may see nothing at all.
func (c *Collector) blind(d *draft) string {
	version := proxmox.Version{Version: d.obs.Cluster.Version}
	missing := d.obs.Permissions.Missing
	if len(missing) == 0 || len(missing) < len(c.needs(version.Major())) {
		return ""
	}
	return "The credentials are valid but may see nothing. Run on the host: " + c.fix(need{role: auditRole(c.opt.Target)})
}

func auditRole(target estate.TargetID) string {
	if target.Kind() == estate.PBS {
		return "Audit"
	}
	return "PVEAuditor"
}

// degraded says, in words for people, which part of a pass that succeeded as a whole is not as it should be.
func (c *Collector) degraded(d *draft, at time.Time) string {
	var parts []string
	if quorate, known := d.obs.Cluster.Quorate.Get(); known && !quorate {
		parts = append(parts, "the cluster has no quorum")
	}
	for i := range d.obs.Nodes {
		if trouble := nodeTrouble(&d.obs.Nodes[i], &d.notes, at); trouble != "" {
			parts = append(parts, trouble)
		}
	}
	for _, m := range d.obs.Permissions.Missing {
		if matters(m) {
			parts = append(parts, m.Privilege+" on "+m.Path+" is missing, which hides "+m.Hides)
		}
	}
	return strings.Join(parts, "; ")
}

// matters tells whether a missing privilege hides a main part.
func matters(m estate.Missing) bool {
	return m.Path != "/" && slices.Contains([]string{privilegeGuests, privilegeStorages, privilegeHosts}, m.Privilege)
}

func nodeTrouble(node *estate.Node, n *notes, at time.Time) string {
	switch {
	case node.Status == estate.NodeUnknown:
		return node.Name + " has reported nothing for minutes, though it may be up"
	case node.Status != estate.NodeOnline:
		return ""
	case hangs(node.Seen.Advanced, at):
		return node.Name + " repeats old numbers: its status daemon hangs, usually on a storage that does not answer"
	}
	tried := n.get(noteNode + node.Name)
	if n.has(noteForbidden + noteNode + node.Name) {
		return "" // the missing privilege is named elsewhere
	}
	if !tried.IsZero() && (node.Detail == nil || node.Detail.At.Before(tried)) {
		return node.Name + " does not answer for itself"
	}
	return ""
}
