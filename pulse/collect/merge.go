package collect

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// merge takes a reply of /cluster/resources over the last observation. It is pure: the time comes with the reply.
type merge struct {
	prev    *estate.Observation // never nil and never changed
	rows    *proxmox.Resources
	at      time.Time
	collect config.Collect
	// keepGuests and keepStorages say that the right to see them was lost, so that being absent means nothing.
	keepGuests, keepStorages bool
}

// merged is what comes of a merge.
type merged struct {
	nodes    []estate.Node
	guests   []estate.Guest
	storages []estate.Storage
	notes    notes

	changes         nodeChanges
	storagesChanged bool
	// vanishedGuests and vanishedStorages were there before and are in the reply no longer, without a word.
	vanishedGuests   []int
	vanishedStorages int
}

func (m merge) run() merged {
	out := merged{notes: notesOf(m.prev)}
	if len(m.rows.Nodes) == 0 {
		// A table without any node is not yet filled; it says nothing about what it lacks.
		m.keepGuests, m.keepStorages = true, true
		out.nodes = m.prev.Nodes
	} else {
		out.nodes, out.changes = mergeNodes(m.prev.Nodes, m.rows.Nodes, m.at)
	}
	states := nodeStates(out.nodes, m.rows.Nodes)
	guests := guestMerge{
		prev: m.prev.Guests, rows: m.rows.Guests, at: m.at, nodes: states, collect: m.collect,
		keepVanished: m.keepGuests, notes: &out.notes,
	}
	guests.run()
	out.guests, out.vanishedGuests = guests.guests, guests.vanished
	if m.collect.Storage {
		storages := storageMerge{
			prev: m.prev.Storages, rows: m.rows.Storages, at: m.at, nodes: states, keepVanished: m.keepStorages,
		}
		storages.run()
		out.storages, out.vanishedStorages, out.storagesChanged = storages.storages, storages.vanished, storages.changed
	}
	out.notes.prune(
		func(name string) bool { return findNode(out.nodes, name) != nil },
		func(vmid int) bool { return findGuest(out.guests, vmid) != nil },
	)
	return out
}

// hangs tells whether readings whose numbers last moved at advanced have stood still for longer than two loops of the
// node's status daemon take.
func hangs(advanced, at time.Time) bool {
	return !advanced.IsZero() && at.Sub(advanced) > standstill
}

// PVE's status daemon writes its numbers every ten seconds.
const standstill = 25 * time.Second
