package wire

import (
	"cmp"
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// place is where a row lies: which holding of the snapshot, and which of its rows of that kind.
type place struct{ holding, index int }

// order is what depends on which resources there are and not on their numbers, so that snapshots share it until the
// former changes: the order of the rows in documents, and the ids of the storages.
type order struct {
	nodes, vms, containers, storages []place

	storageIDs [][]string // by holding and index
	// storagePlaces finds a storage by its id, by its uid, and a shared one by the id that it would have if another
	// target had one of that name first.
	storagePlaces map[string]place
}

func newOrder(holdings []*holding) *order {
	o := &order{storageIDs: make([][]string, len(holdings)), storagePlaces: make(map[string]place)}
	for h, held := range holdings {
		for i := range held.obs.Nodes {
			o.nodes = append(o.nodes, place{h, i})
		}
		for i := range held.obs.Guests {
			at := place{h, i}
			if held.obs.Guests[i].Kind == estate.Container {
				o.containers = append(o.containers, at)
			} else {
				o.vms = append(o.vms, at)
			}
		}
		o.storageIDs[h] = make([]string, len(held.obs.Storages))
		for i := range held.obs.Storages {
			o.storages = append(o.storages, place{h, i})
		}
	}
	o.sort(holdings)
	o.nameStorages(holdings)
	return o
}

// sort puts nodes in the order of their names, guests of their VMIDs, storages of their target's name and their own.
// What is equal stays in the order of the targets.
func (o *order) sort(holdings []*holding) {
	slices.SortStableFunc(o.nodes, func(a, b place) int {
		return strings.Compare(holdings[a.holding].obs.Nodes[a.index].Name, holdings[b.holding].obs.Nodes[b.index].Name)
	})
	byVMID := func(a, b place) int {
		return holdings[a.holding].obs.Guests[a.index].VMID - holdings[b.holding].obs.Guests[b.index].VMID
	}
	slices.SortStableFunc(o.vms, byVMID)
	slices.SortStableFunc(o.containers, byVMID)
	slices.SortStableFunc(o.storages, func(a, b place) int {
		return cmp.Or(
			strings.Compare(holdings[a.holding].target.Name, holdings[b.holding].target.Name),
			cmp.Compare(a.holding, b.holding),
			cmp.Compare(a.index, b.index),
		)
	})
}

// nameStorages gives every storage its id. The older form of a shared one names no target: the first target keeps
// it, and the others put their slug into theirs.
func (o *order) nameStorages(holdings []*holding) {
	var later []place
	for h, held := range holdings {
		for i := range held.obs.Storages {
			at, s := place{h, i}, &held.obs.Storages[i]
			o.storagePlaces[s.Key(held.target.ID).UID()] = at
			switch {
			case s.Node != "":
				o.nameStorage(at, localStorageID(held.target.Slug, s))
			case !o.taken(sharedNode + "-" + s.Name):
				o.nameStorage(at, sharedNode+"-"+s.Name)
			default:
				later = append(later, at)
			}
		}
	}
	for _, at := range later {
		id := ownSharedID(holdings[at.holding], at.index)
		for o.taken(id) {
			id += "-"
		}
		o.nameStorage(at, id)
	}
	o.nameAliases(holdings)
}

// nameAliases lets also the first of several shared storages be found by the id with its slug.
func (o *order) nameAliases(holdings []*holding) {
	for h, held := range holdings {
		for i := range held.obs.Storages {
			if held.obs.Storages[i].Node != "" {
				continue
			}
			at := place{h, i}
			if id := ownSharedID(held, at.index); !o.taken(id) {
				o.storagePlaces[id] = at
			}
		}
	}
}

func (o *order) storageID(at place) string { return o.storageIDs[at.holding][at.index] }

func (o *order) taken(id string) bool {
	_, ok := o.storagePlaces[id]
	return ok
}

// nameStorage lets the first of two storages with the same id be found by it: in the older form, node "a-b" with
// storage "c" reads the same as node "a" with storage "b-c".
func (o *order) nameStorage(at place, id string) {
	o.storageIDs[at.holding][at.index] = id
	if !o.taken(id) {
		o.storagePlaces[id] = at
	}
}

func localStorageID(slug string, s *estate.Storage) string { return slug + "-" + s.Node + "-" + s.Name }

func ownSharedID(h *holding, index int) string {
	return sharedNode + "-" + h.target.Slug + "-" + h.obs.Storages[index].Name
}
