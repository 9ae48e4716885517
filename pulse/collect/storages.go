package collect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// storageMerge takes the storage rows of one reply over the last known storages.
type storageMerge struct {
	prev  []estate.Storage
	rows  []proxmox.ResourceStorage
	at    time.Time
	nodes map[string]nodeState
	// keepVanished keeps storages that are not in the reply, because the right to see them is.
	keepVanished bool

	storages []estate.Storage
	vanished int
	changed  bool // the definitions should be read again
}

// run groups the rows: one storage per name where it is shared, otherwise one per name and node.
func (m *storageMerge) run() {
	rows := slices.Clone(m.rows)
	slices.SortStableFunc(rows, func(a, b proxmox.ResourceStorage) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
	})
	rows = slices.CompactFunc(rows, func(a, b proxmox.ResourceStorage) bool {
		return a.Name == b.Name && a.Node == b.Node
	})
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Name == rows[0].Name {
			n++
		}
		m.group(rows[:n])
		rows = rows[n:]
	}
	m.absent()
}

func compareStorages(a, b estate.Storage) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
}

// group takes the rows of one name over.
func (m *storageMerge) group(rows []proxmox.ResourceStorage) {
	if rows[0].Name == "" {
		return
	}
	var shared []proxmox.ResourceStorage
	for i := range rows {
		if rows[i].Shared || rows[i].Node == "" {
			shared = append(shared, rows[i])
			continue
		}
		m.add(rows[i].Node, rows[i:i+1])
	}
	if len(shared) > 0 {
		m.add("", shared)
	}
}

// add takes the rows of one storage over: several for a shared one, otherwise one.
func (m *storageMerge) add(node string, rows []proxmox.ResourceStorage) {
	var s estate.Storage
	last := findStorage(m.prev, rows[0].Name, node)
	if last != nil {
		s = *last
	}
	m.changed = m.changed || last == nil || !last.Enabled || last.Type != rows[0].Plugin
	keep(&s.Name, rows[0].Name)
	keep(&s.Node, node)
	keep(&s.Type, rows[0].Plugin)
	s.Content = splitList(rows[0].Content, ',', s.Content)
	s.Shared, s.Enabled = node == "", true
	best := m.best(rows)
	s.Active = best != nil
	if s.Shared {
		s.OnNodes = m.onNodes(rows, s.OnNodes)
	}
	if best != nil {
		settle(&s.UsedBytes, amount(best.DiskBytes))
		settle(&s.TotalBytes, capacity(best.MaxDiskBytes))
		s.Seen = estate.Seen{At: m.at, Advanced: m.nodes[best.Node].advanced}
	} else if row := m.inactive(rows); row != nil && !s.TotalBytes.Known() {
		// Numbers that were known keep their age; without any, that it does not answer is all there is to see.
		s.Seen = estate.Seen{At: m.at, Advanced: m.nodes[row.Node].advanced}
	}
	m.storages = append(m.storages, s)
}

// inactive returns a row whose node is there and says that the storage does not answer; nil when there is none.
func (m *storageMerge) inactive(rows []proxmox.ResourceStorage) *proxmox.ResourceStorage {
	for i := range rows {
		if rows[i].Status == estate.StorageUnknown && !m.nodes[rows[i].Node].frozen {
			return &rows[i]
		}
	}
	return nil
}

// usable tells whether a row tells the present state: an offline node's rows are repeated for five minutes.
func (m *storageMerge) usable(row *proxmox.ResourceStorage) bool {
	return row.Status == estate.StorageAvailable && !m.nodes[row.Node].frozen
}

// best picks the row whose numbers count: of a node whose numbers still advance before one whose status daemon hangs,
// then the largest total, since nodes see a shared storage slightly differently.
func (m *storageMerge) best(rows []proxmox.ResourceStorage) *proxmox.ResourceStorage {
	var best *proxmox.ResourceStorage
	for i := range rows {
		if row := &rows[i]; m.usable(row) && (best == nil || m.better(row, best)) {
			best = row
		}
	}
	return best
}

func (m *storageMerge) better(a, b *proxmox.ResourceStorage) bool {
	if hung := m.hangs(b.Node); hung != m.hangs(a.Node) {
		return hung
	}
	return a.MaxDiskBytes.Value > b.MaxDiskBytes.Value
}

func (m *storageMerge) hangs(node string) bool { return hangs(m.nodes[node].advanced, m.at) }

func (m *storageMerge) onNodes(rows []proxmox.ResourceStorage, last []estate.StorageOnNode) []estate.StorageOnNode {
	out := make([]estate.StorageOnNode, 0, len(rows))
	for i := range rows {
		if rows[i].Node != "" {
			out = append(out, estate.StorageOnNode{Node: rows[i].Node, Active: m.usable(&rows[i])})
		}
	}
	if slices.Equal(out, last) {
		return last
	}
	return out
}

// absent decides about the storages that are not in the reply. Disabled ones never are.
func (m *storageMerge) absent() {
	slices.SortFunc(m.storages, compareStorages)
	present := m.storages
	for i := range m.prev {
		last := &m.prev[i]
		switch {
		case isListed(present, last):
		case !last.Enabled, m.keepVanished, last.Node != "" && m.nodes[last.Node].frozen:
			m.storages = append(m.storages, *last)
		default:
			m.vanished++
			m.changed = true
		}
	}
	slices.SortFunc(m.storages, compareStorages)
}

// isListed tells whether a storage is in a sorted list, also when it has become shared or no longer is.
func isListed(storages []estate.Storage, s *estate.Storage) bool {
	i, exact := slices.BinarySearchFunc(storages, *s, compareStorages)
	return exact || findStorage(storages, s.Name, "") != nil ||
		s.Node == "" && i < len(storages) && storages[i].Name == s.Name
}

func findStorage(storages []estate.Storage, name, node string) *estate.Storage {
	i, ok := slices.BinarySearchFunc(storages, [2]string{name, node}, func(s estate.Storage, key [2]string) int {
		return cmp.Or(strings.Compare(s.Name, key[0]), strings.Compare(s.Node, key[1]))
	})
	if !ok {
		return nil
	}
	return &storages[i]
}
