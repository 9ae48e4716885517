package collect

import (
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// nodeState is what the readings of a node say about the things on it.
type nodeState struct {
	// frozen means that nothing on the node is renewed: it is offline, or its status daemon has been silent for so long
	// that PVE calls it unknown.
	frozen bool
	// advanced is when the node's own numbers last proved to be new; zero when they are not to be seen.
	advanced time.Time
}

// mergeNodes takes node rows over the last known nodes. Rows are in any order and may repeat a name; the first counts.
func mergeNodes(prev []estate.Node, rows []proxmox.ResourceNode, at time.Time) (nodes []estate.Node, changed nodeChanges) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b proxmox.ResourceNode) int { return strings.Compare(a.Name, b.Name) })
	rows = slices.CompactFunc(rows, func(a, b proxmox.ResourceNode) bool { return a.Name == b.Name })
	nodes = make([]estate.Node, 0, len(rows))
	for i := range rows {
		if rows[i].Name == "" {
			continue
		}
		last := findNode(prev, rows[i].Name)
		nodes = append(nodes, mergeNode(last, &rows[i], at))
		changed.note(last, &nodes[len(nodes)-1])
	}
	return nodes, changed
}

// nodeChanges are what makes a reading beside the table urgent.
type nodeChanges struct {
	fresh []string // new, back online, or started again
	down  bool     // one went offline
}

func (c *nodeChanges) note(last, now *estate.Node) {
	switch {
	case now.Status != estate.NodeOnline:
		c.down = c.down || last == nil || last.Status == estate.NodeOnline
	case last == nil, last.Status != estate.NodeOnline,
		now.UptimeSeconds.Or(0) < last.UptimeSeconds.Or(0):
		c.fresh = append(c.fresh, now.Name)
	}
}

func mergeNode(last *estate.Node, row *proxmox.ResourceNode, at time.Time) estate.Node {
	var node estate.Node
	if last != nil {
		node = *last
	}
	keep(&node.Name, row.Name)
	keep(&node.Status, row.Status)
	if node.Status == "" {
		node.Status = estate.NodeUnknown
	}
	keep(&node.HAState, row.HAState)
	if row.Level != "" || node.Status == estate.NodeOnline {
		keep(&node.Level, row.Level)
	}
	settle(&node.CPUs, processors(row.MaxCPU))
	settle(&node.MemTotalBytes, capacity(row.MaxMemBytes))
	settle(&node.DiskTotalBytes, capacity(row.MaxDiskBytes))
	if node.Status != estate.NodeOnline {
		return node
	}
	uptime, measured := row.UptimeSeconds.Get()
	if !measured {
		// Without Sys.Audit the status is all there is to see. Numbers seen before keep their age.
		if !node.UptimeSeconds.Known() {
			node.Seen = estate.Seen{At: at}
		}
		return node
	}
	settle(&node.CPUFraction, fraction(row.CPUFraction))
	settle(&node.MemUsedBytes, amount(row.MemBytes))
	settle(&node.DiskUsedBytes, amount(row.DiskBytes))
	node.Seen.At = at
	if old, known := node.UptimeSeconds.Get(); !known || old != uptime || node.Seen.Advanced.IsZero() {
		node.Seen.Advanced = at
	}
	node.UptimeSeconds = amount(row.UptimeSeconds)
	return node
}

// nodeStates gives the state of each node in the reply, by name.
func nodeStates(nodes []estate.Node, rows []proxmox.ResourceNode) map[string]nodeState {
	states := make(map[string]nodeState, len(nodes))
	for i := range nodes {
		states[nodes[i].Name] = nodeState{
			frozen:   nodes[i].Status != estate.NodeOnline,
			advanced: nodes[i].Seen.Advanced,
		}
	}
	for i := range rows {
		if state := states[rows[i].Name]; !state.frozen && !rows[i].UptimeSeconds.Known {
			states[rows[i].Name] = nodeState{}
		}
	}
	return states
}

func findNode(nodes []estate.Node, name string) *estate.Node {
	i, ok := slices.BinarySearchFunc(nodes, name, func(n estate.Node, name string) int {
		return strings.Compare(n.Name, name)
	})
	if !ok {
		return nil
	}
	return &nodes[i]
}

// applyDetail takes what only the node itself tells.
func applyDetail(node *estate.Node, status *proxmox.NodeStatus, at time.Time) {
	detail := &estate.NodeDetail{
		At:             at,
		LoadAverage:    loadAverage(status.Load1, status.Load5, status.Load15),
		KernelVersion:  status.KernelRelease,
		PVEVersion:     managerVersion(status.PVEVersion),
		CPUModel:       status.CPU.Model,
		CPUSockets:     amount(status.CPU.Sockets),
		CPUCores:       amount(status.CPU.Logical),
		CPUMHz:         megahertz(status.CPU.MHz),
		SwapUsedBytes:  amount(status.Swap.UsedBytes),
		SwapTotalBytes: amount(status.Swap.TotalBytes),
		RootAvailBytes: amount(status.RootFS.AvailableBytes),
	}
	node.Detail = detail
}
