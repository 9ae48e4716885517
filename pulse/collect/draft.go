package collect

import (
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// draft is an observation in the making. It begins as the last one and copies what it is about to change.
type draft struct {
	obs   estate.Observation
	notes notes
	// ownGuests and ownNodes tell that the list is this draft's alone.
	ownGuests, ownNodes bool
}

func draftOf(prev *estate.Observation, target estate.TargetID) *draft {
	d := &draft{notes: notesOf(prev)}
	if prev != nil {
		d.obs = *prev
	}
	d.obs.Version, d.obs.Target = estate.ObservationVersion, target
	return d
}

// done closes the draft.
func (d *draft) done() *estate.Observation {
	d.obs.Reads = d.notes.times
	return &d.obs
}

// guest returns a guest for changing, or nil.
func (d *draft) guest(vmid int) *estate.Guest {
	if findGuest(d.obs.Guests, vmid) == nil {
		return nil
	}
	if !d.ownGuests {
		d.obs.Guests, d.ownGuests = slices.Clone(d.obs.Guests), true
	}
	return findGuest(d.obs.Guests, vmid)
}

// addGuest makes room for a guest that is not there yet and returns it.
func (d *draft) addGuest(vmid, generation int, kind estate.GuestKind) *estate.Guest {
	i, _ := slices.BinarySearchFunc(d.obs.Guests, vmid, func(g estate.Guest, vmid int) int { return g.VMID - vmid })
	guests := make([]estate.Guest, 0, len(d.obs.Guests)+1)
	guests = append(guests, d.obs.Guests[:i]...)
	guests = append(guests, estate.Guest{VMID: vmid, Generation: generation, Kind: kind})
	d.obs.Guests, d.ownGuests = append(guests, d.obs.Guests[i:]...), true
	return &d.obs.Guests[i]
}

func (d *draft) removeGuest(vmid int) {
	kept := make([]estate.Guest, 0, len(d.obs.Guests))
	for i := range d.obs.Guests {
		if d.obs.Guests[i].VMID != vmid {
			kept = append(kept, d.obs.Guests[i])
		}
	}
	d.obs.Guests, d.ownGuests = kept, true
}

// node returns a node for changing, or nil.
func (d *draft) node(name string) *estate.Node {
	if findNode(d.obs.Nodes, name) == nil {
		return nil
	}
	if !d.ownNodes {
		d.obs.Nodes, d.ownNodes = slices.Clone(d.obs.Nodes), true
	}
	return findNode(d.obs.Nodes, name)
}

// isDown tells whether a node is known not to be up.
func (d *draft) isDown(name string) bool {
	node := findNode(d.obs.Nodes, name)
	return node != nil && node.Status == estate.NodeOffline
}

// destroyGuest takes a destroyed guest out. A destruction that was already counted, as when the VMID came back as
// another kind of guest, counts once.
func (d *draft) destroyGuest(vmid int, at time.Time) {
	gone, _ := d.notes.guestNotes()
	before, known := gone[vmid]
	if known && !before.destroyed.IsZero() && !at.After(before.destroyed.Add(time.Second)) {
		return
	}
	d.notes.drop(guestNote(noteDirect, vmid))
	last := findGuest(d.obs.Guests, vmid)
	if last == nil {
		d.notes.destroyed(vmid, before.next(), at)
		return
	}
	d.notes.destroyed(vmid, last.Generation, at)
	if !last.Seen.At.After(at.Add(directHold)) {
		d.removeGuest(vmid)
		return
	}
	// It was seen so long after that it must be the next guest with this VMID.
	next := d.guest(vmid)
	next.Generation++
	next.Rates, next.Base = estate.Rates{}, estate.Counters{}
	next.Balloon, next.Filesystems = nil, nil
}

// expectGuest lifts the hold that a destruction puts on a VMID: another guest is being made with it.
func (d *draft) expectGuest(vmid int, at time.Time) {
	gone, _ := d.notes.guestNotes()
	if before, ok := gone[vmid]; ok && !before.destroyed.IsZero() {
		d.notes.set(departedNote(noteDestroyed, vmid, before.generation), at.Add(-directHold))
	}
}
