package collect

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The names under which an observation remembers when something was last tried or happened.
const (
	noteClusterStatus = "cluster-status"
	noteStorages      = "storages"
	noteMembers       = "members"
	notePermissions   = "permissions"
	noteBudget        = "budget"         // until when the slow readings made so far are paid for
	noteNodeTurn      = "turn/nodes"     // the last detail reading of the rotation
	noteGuestTurn     = "turn/guests"    // the last guest reading of the rotation
	noteHost          = "host-forbidden" // PBS: when the host's status was refused
	noteUsage         = "usage"          // PBS: of the datastores

	noteNode       = "node/"       // + node: its detail
	noteProtected  = "protected/"  // + node: the last call its privileged daemon had to answer
	noteGuest      = "guest/"      // + VMID: its status failed
	noteAgent      = "agent/"      // + VMID: since when its agent fails
	noteDirect     = "direct/"     // + VMID: read on its own, ahead of the cluster's table
	noteForbidden  = "forbidden/"  // + another name: refused for want of a privilege
	noteNamespaces = "namespaces/" // + datastore
	noteDestroyed  = "destroyed/"  // + VMID/generation: that guest is gone for good
	noteLeft       = "left/"       // + VMID/generation: that guest is out of sight and may come back
)

// maxDeparted bounds what is remembered of guests that are gone; the oldest are forgotten first.
const maxDeparted = 2000

// notes are the times an observation remembers, copied on the first change.
type notes struct {
	times  map[string]time.Time
	shared bool
}

func notesOf(prev *estate.Observation) notes {
	if prev == nil {
		return notes{}
	}
	return notes{times: prev.Reads, shared: true}
}

func (n *notes) get(name string) time.Time { return n.times[name] }

func (n *notes) has(name string) bool {
	_, ok := n.times[name]
	return ok
}

func (n *notes) set(name string, at time.Time) {
	if old, ok := n.times[name]; ok && old.Equal(at) {
		return
	}
	n.own()
	n.times[name] = at
}

func (n *notes) drop(name string) {
	if _, ok := n.times[name]; !ok {
		return
	}
	n.own()
	delete(n.times, name)
}

func (n *notes) own() {
	if !n.shared && n.times != nil {
		return
	}
	copied := make(map[string]time.Time, len(n.times)+8)
	maps.Copy(copied, n.times)
	n.times, n.shared = copied, false
}

// prune forgets what concerns nodes and guests that are not there any more.
func (n *notes) prune(node func(string) bool, guest func(int) bool) {
	var stale []string
	for name := range n.times {
		prefix, rest, ok := cutNote(name)
		if !ok {
			continue
		}
		switch prefix {
		case noteNode, noteProtected:
			if !node(rest) {
				stale = append(stale, name)
			}
		case noteGuest, noteAgent:
			if vmid, err := strconv.Atoi(rest); err != nil || !guest(vmid) {
				stale = append(stale, name)
			}
		}
	}
	for _, name := range stale {
		n.drop(name)
	}
	n.pruneDeparted()
}

func (n *notes) pruneDeparted() {
	var names []string
	for name := range n.times {
		if strings.HasPrefix(name, noteDestroyed) || strings.HasPrefix(name, noteLeft) {
			names = append(names, name)
		}
	}
	if len(names) <= maxDeparted {
		return
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(n.times[a].Compare(n.times[b]), strings.Compare(a, b))
	})
	for _, name := range names[:len(names)-maxDeparted] {
		n.drop(name)
	}
}

// cutNote splits a name behind its prefix.
func cutNote(name string) (prefix, rest string, ok bool) {
	at := strings.IndexByte(name, '/')
	if at < 0 {
		return "", "", false
	}
	return name[:at+1], name[at+1:], true
}

func guestNote(prefix string, vmid int) string { return prefix + strconv.Itoa(vmid) }

// departed is what is remembered of a VMID that was in use before.
type departed struct {
	generation int
	destroyed  time.Time // zero when it only left sight
}

// next is the generation of a guest that appears with the VMID now.
func (d departed) next() int {
	if d.destroyed.IsZero() {
		return d.generation
	}
	return d.generation + 1
}

// guestNotes reads, by VMID, which guests are gone and which were read ahead of the cluster's table.
func (n *notes) guestNotes() (gone map[int]departed, direct map[int]time.Time) {
	gone, direct = make(map[int]departed), make(map[int]time.Time)
	for name, at := range n.times {
		prefix, rest, _ := cutNote(name)
		if prefix == noteDirect {
			if vmid, err := strconv.Atoi(rest); err == nil {
				direct[vmid] = at
			}
			continue
		}
		if prefix != noteDestroyed && prefix != noteLeft {
			continue
		}
		vmid, generation, ok := parseDeparted(rest)
		if !ok {
			continue
		}
		d := departed{generation: generation}
		if prefix == noteDestroyed {
			d.destroyed = at
		}
		if old, ok := gone[vmid]; !ok || d.next() > old.next() {
			gone[vmid] = d
		}
	}
	return gone, direct
}

func parseDeparted(text string) (vmid, generation int, ok bool) {
	head, tail, _ := strings.Cut(text, "/")
	vmid, err1 := strconv.Atoi(head)
	generation, err2 := strconv.Atoi(tail)
	return vmid, generation, err1 == nil && err2 == nil
}

// failures reads, by VMID, since when guests and their agents fail.
func (n *notes) failures() (guests, agents map[int]time.Time) {
	guests, agents = make(map[int]time.Time), make(map[int]time.Time)
	for name, at := range n.times {
		prefix, rest, _ := cutNote(name)
		if prefix != noteGuest && prefix != noteAgent {
			continue
		}
		vmid, err := strconv.Atoi(rest)
		switch {
		case err != nil:
		case prefix == noteGuest:
			guests[vmid] = at
		default:
			agents[vmid] = at
		}
	}
	return guests, agents
}

// destroyed remembers that a generation of a VMID ended; the one before it need not be remembered any longer.
func (n *notes) destroyed(vmid, generation int, at time.Time) {
	n.drop(departedNote(noteDestroyed, vmid, generation-1))
	n.drop(departedNote(noteLeft, vmid, generation))
	n.set(departedNote(noteDestroyed, vmid, generation), at)
}

// left remembers the generation of a guest that is out of sight. The first one is what an unknown guest gets anyway.
func (n *notes) left(vmid, generation int, at time.Time) {
	if generation > 0 {
		n.set(departedNote(noteLeft, vmid, generation), at)
	}
}

func departedNote(prefix string, vmid, generation int) string {
	return prefix + strconv.Itoa(vmid) + "/" + strconv.Itoa(generation)
}
