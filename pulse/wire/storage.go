package wire

import (
	"cmp"
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// sharedNode is what stands in place of the node of a shared storage, in its id too.
const sharedNode = "shared"

// compareStorages follows the order of an observation: by name, the shared one first, then by node.
func compareStorages(a, b *estate.Storage) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
}

func sameStorageWords(a, b *estate.Storage) bool {
	return a.Name == b.Name && a.Node == b.Node && a.Type == b.Type && slices.Equal(a.Content, b.Content) &&
		a.Shared == b.Shared && a.Enabled == b.Enabled && a.Active == b.Active &&
		slices.Equal(a.OnNodes, b.OnNodes) && a.Server == b.Server && a.Datastore == b.Datastore &&
		a.Namespace == b.Namespace
}

func sameStorageNumbers(a, b *estate.Storage) bool {
	return a.UsedBytes == b.UsedBytes && a.TotalBytes == b.TotalBytes
}

func storageStatus(s *estate.Storage, fresh estate.Freshness) string {
	switch {
	case !s.Enabled: // its definition says so; it never has a reading
		return "disabled"
	case fresh == estate.Unknown:
		return "unknown"
	case s.Active:
		return "available"
	default:
		return "inactive"
	}
}

// storage writes what follows the id: see [row].
func (p *pass) storage(w *writer, s *estate.Storage, r *row) {
	node := s.Node
	if node == "" {
		node = sharedNode
	}
	w.str(`,"name":`, s.Name)
	w.str(`,"node":`, node)
	w.str(`,"instance":`, p.target.Name)
	w.str(`,"type":`, s.Type)
	w.str(`,"status":`, storageStatus(s, r.status))
	w.flatSpace(s.TotalBytes, s.UsedBytes, estate.Opt[int64]{})
	w.str(`,"content":`, contentList(s.Content))
	w.bool(`,"shared":`, s.Shared || s.Node == "")
	w.bool(`,"enabled":`, s.Enabled)
	w.bool(`,"active":`, s.Active)
	w.str(`,"uid":`, s.Key(p.target.ID).UID())
	w.freshness(r.fresh, s.Seen)
	if len(s.OnNodes) > 0 {
		w.onNodes(s.OnNodes)
	}
	w.optStr(`,"server":`, s.Server)
	w.optStr(`,"datastore":`, s.Datastore)
	w.optStr(`,"namespace":`, s.Namespace)
	w.unknown(0)
}

func contentList(content []string) string {
	if !slices.IsSorted(content) {
		content = slices.Sorted(slices.Values(content))
	}
	return strings.Join(content, ",")
}

func (w *writer) onNodes(list []estate.StorageOnNode) {
	w.raw(`,"onNodes":[`)
	for i, n := range list {
		if i > 0 {
			w.raw(",")
		}
		w.str(`{"node":`, n.Node)
		w.bool(`,"active":`, n.Active)
		w.raw("}")
	}
	w.raw("]")
}

// activeOn tells whether the storage is the node's own, or a shared one that is active there.
func activeOn(s *estate.Storage, node string) bool {
	if s.Node != "" {
		return s.Node == node
	}
	return slices.Contains(s.OnNodes, estate.StorageOnNode{Node: node, Active: true})
}
