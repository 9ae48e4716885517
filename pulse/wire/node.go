package wire

import (
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// nodeHealth is whether a node's numbers can be believed.
type nodeHealth string

const (
	healthy         nodeHealth = "healthy"
	healthError     nodeHealth = "error"       // the target is not reached
	healthOffline   nodeHealth = "offline"     // the cluster says so
	healthSilent    nodeHealth = "stale"       // the node has not reported for a while
	healthUnreached nodeHealth = "unreachable" // did not answer Pulse, though the cluster sees it
)

func (p *pass) nodeHealth(n *estate.Node, fresh, status estate.Freshness) nodeHealth {
	unreachable := p.obs.Poll.Unreachable
	switch {
	case !p.conn.reached():
		return healthError
	case n.Status == estate.NodeOffline && !p.lonely() && status != estate.Unknown:
		return healthOffline
	case fresh != estate.Live || n.Status == estate.NodeUnknown || n.Status == estate.NodeOffline:
		return healthSilent
	case slices.Contains(unreachable, n.Name), n.Address != "" && slices.Contains(unreachable, n.Address):
		return healthUnreached
	default:
		return healthy
	}
}

func compareNodes(a, b *estate.Node) int { return strings.Compare(a.Name, b.Name) }

func sameNodeWords(a, b *estate.Node) bool {
	return a.Name == b.Name && a.Status == b.Status && a.HAState == b.HAState && a.Level == b.Level &&
		a.Address == b.Address
}

func sameNodeNumbers(a, b *estate.Node) bool {
	return a.CPUFraction == b.CPUFraction && a.CPUs == b.CPUs &&
		a.MemUsedBytes == b.MemUsedBytes && a.MemTotalBytes == b.MemTotalBytes &&
		a.DiskUsedBytes == b.DiskUsedBytes && a.DiskTotalBytes == b.DiskTotalBytes &&
		a.UptimeSeconds == b.UptimeSeconds && sameDetail(a.Detail, b.Detail)
}

func sameDetail(a, b *estate.NodeDetail) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.At.Equal(b.At) && slices.Equal(a.LoadAverage, b.LoadAverage) && a.KernelVersion == b.KernelVersion &&
		a.PVEVersion == b.PVEVersion && a.CPUModel == b.CPUModel && a.CPUSockets == b.CPUSockets &&
		a.CPUCores == b.CPUCores && a.CPUMHz == b.CPUMHz && a.IOWaitFraction == b.IOWaitFraction &&
		a.SwapUsedBytes == b.SwapUsedBytes && a.SwapTotalBytes == b.SwapTotalBytes &&
		a.RootAvailBytes == b.RootAvailBytes
}

func nodeID(slug, node string) string { return slug + "-" + node }

func (p *pass) node(w *writer, n *estate.Node, r *row) {
	t, detail := p.target, n.Detail
	if detail == nil {
		detail = &estate.NodeDetail{}
	}
	w.str(`{"id":`, nodeID(t.Slug, n.Name))
	w.str(`,"name":`, n.Name)
	w.str(`,"instance":`, t.Name)
	w.str(`,"status":`, statusWord(n.Status, r.status))
	w.raw(`,"type":"node"`)
	w.fraction(`,"cpu":`, "cpu", n.CPUFraction)
	w.namedSpace(`,"memory":`, "memory", n.MemTotalBytes, n.MemUsedBytes)
	disk, known := newSpace(n.DiskTotalBytes, n.DiskUsedBytes)
	if !known {
		w.miss("disk")
	}
	w.object(`,"disk":`, disk.limited(detail.RootAvailBytes))
	w.count(`,"uptime":`, "uptime", n.UptimeSeconds)
	w.floats(`,"loadAverage":`, detail.LoadAverage)
	w.str(`,"kernelVersion":`, detail.KernelVersion)
	w.str(`,"pveVersion":`, detail.PVEVersion)
	w.cpuInfo(n, detail)
	w.str(`,"connectionHealth":`, string(r.health))
	w.str(`,"uid":`, estate.NodeKey{Target: t.ID, Node: n.Name}.UID())
	w.freshness(r.fresh, n.Seen)
	w.optStr(`,"haState":`, n.HAState)
	w.optStr(`,"subscription":`, n.Level)
	w.optStr(`,"address":`, n.Address)
	if swap, known := newSpace(detail.SwapTotalBytes, detail.SwapUsedBytes); known {
		w.object(`,"swap":`, swap)
	}
	if wait, ok := sane(detail.IOWaitFraction); ok {
		w.float(`,"ioWait":`, wait)
	}
	w.optTime(`,"detailAt":`, detail.At)
	w.unknown(0)
}

func (w *writer) cpuInfo(n *estate.Node, detail *estate.NodeDetail) {
	cores, coresKnown := natural(detail.CPUCores)
	if cpus, ok := sane(n.CPUs); !coresKnown && ok {
		cores, coresKnown = truncate(cpus), true
	}
	sockets, socketsKnown := natural(detail.CPUSockets)
	if !coresKnown || !socketsKnown {
		w.miss("cpuInfo")
	}
	w.str(`,"cpuInfo":{"model":`, detail.CPUModel)
	w.int(`,"cores":`, cores)
	w.int(`,"sockets":`, sockets)
	w.str(`,"mhz":`, detail.CPUMHz)
	w.raw("}")
}
