package wire

import (
	"strconv"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Kind says what a [Resource] is.
type Kind string

// The kinds of resources.
const (
	KindNode      Kind = "node"
	KindGuest     Kind = "guest" // a VM or a container
	KindStorage   Kind = "storage"
	KindServer    Kind = "pbs" // a Proxmox Backup Server
	KindDatastore Kind = "datastore"
)

// Resource is what an id stands for.
type Resource struct {
	Kind   Kind
	UID    string // stable: survives migration and renaming
	ID     string // the older form, as it is now; empty for a datastore
	Name   string
	Target estate.TargetID
}

// Find resolves an id or uid. A guest's id names the node it was on, so it is resolved by its slug and VMID wherever
// the guest is now. Where two resources of different kinds have the same id, a guest that is on the named node comes
// first, then nodes, storages and servers.
func (s *Snapshot) Find(id string) (Resource, bool) {
	guest, isGuest := s.findGuest(id)
	if isGuest && (guest.ID == id || guest.UID == id) {
		return guest, true
	}
	if at, ok := s.findNode(id); ok {
		return s.nodeResource(at), true
	}
	if at, ok := s.order.storagePlaces[id]; ok {
		return s.storageResource(at), true
	}
	if r, ok := s.findServer(id); ok {
		return r, true
	}
	return guest, isGuest
}

// cutSlug returns the holding of the cluster whose slug begins an id of the older form, and the rest behind the
// slug's dash.
func (s *Snapshot) cutSlug(id string) (index int, rest string, ok bool) {
	for i, h := range s.holdings {
		if h.target.ID.Kind() != estate.PVE {
			continue
		}
		after, found := strings.CutPrefix(id, h.target.Slug)
		if found && strings.HasPrefix(after, "-") {
			return i, after[1:], true
		}
	}
	return 0, "", false
}

// cutTarget is the same for a uid, which begins with the target's id.
func (s *Snapshot) cutTarget(uid string) (index int, rest string, ok bool) {
	target, rest, ok := strings.Cut(uid, "/")
	if !ok {
		return 0, "", false
	}
	for i, h := range s.holdings {
		if string(h.target.ID) == target {
			return i, rest, true
		}
	}
	return 0, "", false
}

func (s *Snapshot) findNode(id string) (place, bool) {
	h, name, ok := s.cutTarget(id)
	if ok {
		name, ok = strings.CutPrefix(name, "node/")
	} else {
		h, name, ok = s.cutSlug(id)
	}
	if !ok {
		return place{}, false
	}
	obs := s.holdings[h].obs
	for i := range obs.Nodes {
		if obs.Nodes[i].Name == name {
			return place{h, i}, true
		}
	}
	return place{}, false
}

// findNodeNamed finds a node by its name alone; false where several targets have one of that name.
func (s *Snapshot) findNodeNamed(name string) (found place, ok bool) {
	for _, at := range s.order.nodes {
		if s.holdings[at.holding].obs.Nodes[at.index].Name != name {
			continue
		}
		if ok {
			return place{}, false
		}
		found, ok = at, true
	}
	return found, ok
}

// findCluster finds a PVE target by its id.
func (s *Snapshot) findCluster(id string) (index int, ok bool) {
	for i, h := range s.holdings {
		if h.target.ID.Kind() == estate.PVE && string(h.target.ID) == id {
			return i, true
		}
	}
	return 0, false
}

func (s *Snapshot) findGuest(id string) (Resource, bool) {
	if h, rest, ok := s.cutTarget(id); ok {
		digits, _, _ := strings.Cut(strings.TrimPrefix(rest, "guest/"), "/")
		if r, ok := s.guestResource(h, digits); ok && r.UID == id {
			return r, true
		}
		return Resource{}, false
	}
	h, rest, ok := s.cutSlug(id)
	if !ok {
		return Resource{}, false
	}
	dash := strings.LastIndexByte(rest, '-')
	if dash < 1 || strings.Contains(rest[:dash], "/") { // no node is called so: it is a broken uid
		return Resource{}, false
	}
	return s.guestResource(h, rest[dash+1:])
}

func (s *Snapshot) findServer(id string) (Resource, bool) {
	for _, h := range s.holdings {
		if h.server == nil {
			continue
		}
		if id == serverID(h.target.Slug) || id == serverUID(h.target.ID) {
			return Resource{KindServer, serverUID(h.target.ID), serverID(h.target.Slug), h.target.Name, h.target.ID}, true
		}
		if h.obs.Server == nil {
			continue
		}
		for i := range h.obs.Server.Datastores {
			name := h.obs.Server.Datastores[i].Name
			if uid := (estate.DatastoreKey{Target: h.target.ID, Name: name}).UID(); uid == id {
				return Resource{Kind: KindDatastore, UID: uid, Name: name, Target: h.target.ID}, true
			}
		}
	}
	return Resource{}, false
}

// guestResource takes a VMID as it is written in ids: without a sign or leading zeros.
func (s *Snapshot) guestResource(h int, digits string) (Resource, bool) {
	vmid, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(vmid) != digits {
		return Resource{}, false
	}
	t := &s.holdings[h].target
	g := s.holdings[h].obs.Guest(vmid)
	if g == nil {
		return Resource{}, false
	}
	return Resource{KindGuest, g.Key(t.ID).UID(), guestID(t.Slug, g.Node, vmid), g.Name, t.ID}, true
}

func (s *Snapshot) nodeResource(at place) Resource {
	h := s.holdings[at.holding]
	t, name := &h.target, h.obs.Nodes[at.index].Name
	return Resource{KindNode, estate.NodeKey{Target: t.ID, Node: name}.UID(), nodeID(t.Slug, name), name, t.ID}
}

func (s *Snapshot) storageResource(at place) Resource {
	h := s.holdings[at.holding]
	st := &h.obs.Storages[at.index]
	return Resource{KindStorage, st.Key(h.target.ID).UID(), s.order.storageID(at), st.Name, h.target.ID}
}
