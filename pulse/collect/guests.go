package collect

import (
	"cmp"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// guestMerge takes the guest rows of one reply over the last known guests.
type guestMerge struct {
	prev    []estate.Guest
	rows    []proxmox.ResourceGuest
	at      time.Time
	nodes   map[string]nodeState
	collect config.Collect
	// keepVanished keeps guests that are not in the reply, because the right to see them is.
	keepVanished bool

	notes  *notes
	gone   map[int]departed
	direct map[int]time.Time

	guests []estate.Guest
	// vanished are guests that left the reply without a word.
	vanished []int
}

// guestRef orders rows without moving them.
type guestRef struct {
	vmid, row int
}

// run joins rows and guests by VMID. Rows may come in any order and repeat a VMID; the first counts.
func (m *guestMerge) run() {
	m.gone, m.direct = m.notes.guestNotes()
	refs := m.order()
	m.guests = make([]estate.Guest, 0, max(len(refs), len(m.prev)))
	p := 0
	for _, ref := range refs {
		for p < len(m.prev) && m.prev[p].VMID < ref.vmid {
			m.absent(&m.prev[p])
			p++
		}
		var last *estate.Guest
		if p < len(m.prev) && m.prev[p].VMID == ref.vmid {
			last = &m.prev[p]
			p++
		}
		m.present(last, &m.rows[ref.row])
	}
	for ; p < len(m.prev); p++ {
		m.absent(&m.prev[p])
	}
}

func (m *guestMerge) order() []guestRef {
	refs := make([]guestRef, 0, len(m.rows))
	for i := range m.rows {
		if row := &m.rows[i]; row.VMID > 0 && m.wants(estate.GuestKind(row.Kind)) {
			refs = append(refs, guestRef{row.VMID, i})
		}
	}
	slices.SortFunc(refs, func(a, b guestRef) int {
		return cmp.Or(cmp.Compare(a.vmid, b.vmid), cmp.Compare(a.row, b.row))
	})
	return slices.CompactFunc(refs, func(a, b guestRef) bool { return a.vmid == b.vmid })
}

func (m *guestMerge) wants(kind estate.GuestKind) bool {
	switch kind {
	case estate.VM:
		return m.collect.VMs
	case estate.Container:
		return m.collect.Containers
	default:
		return false
	}
}

// absent decides about a guest that is not in the reply.
func (m *guestMerge) absent(last *estate.Guest) {
	if !m.wants(last.Kind) {
		m.notes.left(last.VMID, last.Generation, m.at)
		return
	}
	since, ahead := m.direct[last.VMID]
	switch {
	case m.keepVanished, m.nodes[last.Node].frozen, ahead && m.held(since):
		m.guests = append(m.guests, *last)
	default:
		m.notes.left(last.VMID, last.Generation, m.at)
		m.vanished = append(m.vanished, last.VMID)
	}
}

// present takes a row over.
func (m *guestMerge) present(last *estate.Guest, row *proxmox.ResourceGuest) {
	generation := 0
	switch {
	case last == nil:
		before := m.gone[row.VMID]
		if m.echo(before.destroyed, row) {
			return
		}
		generation = before.next()
		m.notes.drop(departedNote(noteLeft, row.VMID, before.generation))
	case last.Kind != estate.GuestKind(row.Kind):
		m.notes.destroyed(last.VMID, last.Generation, m.at)
		generation, last = last.Generation+1, nil
	default:
		generation = last.Generation
		if since, ahead := m.direct[row.VMID]; ahead {
			if m.held(since) && !overtakes(row, last, m.at.Sub(since)) {
				m.guests = append(m.guests, *last)
				mergeConfiguration(&m.guests[len(m.guests)-1], row)
				return
			}
			m.notes.drop(guestNote(noteDirect, row.VMID))
		}
	}
	m.guests = append(m.guests, estate.Guest{})
	g := &m.guests[len(m.guests)-1]
	if last != nil {
		*g = *last
	}
	g.VMID, g.Generation, g.Kind = row.VMID, generation, estate.GuestKind(row.Kind)
	mergeGuest(g, last, row, m.at, m.nodes[row.Node])
}

// mergeGuest takes a row over g, which holds the last known values; last is nil for a guest not seen before.
func mergeGuest(g, last *estate.Guest, row *proxmox.ResourceGuest, at time.Time, node nodeState) {
	moved := last != nil && last.Node != row.Node
	if moved {
		// After a migration another process counts from zero.
		g.Rates, g.Base = estate.Rates{}, estate.Counters{}
	}
	keep(&g.Node, row.Node)
	keep(&g.Status, cmp.Or(row.Status, estate.GuestUnknown))
	mergeConfiguration(g, row)
	if row.Name != "" {
		keep(&g.Name, row.Name)
	}
	if !row.UptimeSeconds.Known {
		return // nobody reported for five minutes; the numbers and their age stay
	}
	g.Template = row.Template.Or(g.Template)
	setNumbers(g, last, row, moved)
	if node.frozen {
		return // the same numbers as when the node was last heard of
	}
	g.Seen.At = at
	uptime := row.UptimeSeconds.Value
	switch {
	case uptime <= 0:
		g.Seen.Advanced = node.advanced
	case last == nil, last.UptimeSeconds.Or(0) != uptime, g.Seen.Advanced.IsZero():
		g.Seen.Advanced = at
	}
}

// mergeConfiguration takes what PVE reads from the cluster's files at the time of the call, however old the numbers are.
func mergeConfiguration(g *estate.Guest, row *proxmox.ResourceGuest) {
	keep(&g.Lock, row.Lock)
	keep(&g.Pool, row.Pool)
	keep(&g.HAState, row.HAState)
	g.Tags = splitList(row.Tags, ';', g.Tags)
}

func findGuest(guests []estate.Guest, vmid int) *estate.Guest {
	i, ok := slices.BinarySearchFunc(guests, vmid, func(g estate.Guest, vmid int) int { return g.VMID - vmid })
	if !ok {
		return nil
	}
	return &guests[i]
}
