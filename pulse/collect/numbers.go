package collect

import (
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// A guest younger than this many seconds has no CPU share yet: PVE sends zero until its second measurement.
const youngGuest = 20

// setNumbers takes the numbers of a row that carries some. g has the last known ones and already its new status.
func setNumbers(g, last *estate.Guest, row *proxmox.ResourceGuest, moved bool) {
	uptime := max(row.UptimeSeconds.Value, 0)
	settle(&g.CPUs, processors(row.MaxCPU))
	settle(&g.MemTotalBytes, capacity(row.MaxMemBytes))
	setDisk(g, row.DiskBytes, row.MaxDiskBytes)
	if g.Status == estate.GuestStopped {
		setStopped(g)
		return
	}
	g.CPUFraction = share(row.CPUFraction, uptime)
	setMemory(g, row.MemBytes, row.MemHostBytes)
	before, seen := int64(0), false
	if last != nil {
		before, seen = last.UptimeSeconds.Get()
	}
	switch {
	case moved, seen && before == uptime && uptime > 0:
		// After a migration the table still shows what the old node sent last.
	case seen && uptime < before:
		g.Rates, g.Base = advanceRates(estate.Rates{}, estate.Counters{}, counters(row, uptime))
	default:
		g.Rates, g.Base = advanceRates(g.Rates, g.Base, counters(row, uptime))
	}
	g.UptimeSeconds = estate.Some(uptime)
}

func counters(row *proxmox.ResourceGuest, uptime int64) reading {
	return reading{
		uptime: uptime,
		netIn:  amount(row.NetInBytes), netOut: amount(row.NetOutBytes),
		diskRead: amount(row.DiskReadBytes), diskWrite: amount(row.DiskWriteBytes),
	}
}

// setStopped sets what is known of a stopped guest without measuring: it uses nothing and moves nothing.
func setStopped(g *estate.Guest) {
	nothing := estate.Some(0.0)
	g.CPUFraction = nothing
	g.MemUsedBytes, g.MemHostBytes = estate.Some(int64(0)), estate.Opt[int64]{}
	g.MemSource = stoppedSource(g.Kind)
	g.UptimeSeconds = estate.Some(int64(0))
	g.Rates = estate.Rates{NetIn: nothing, NetOut: nothing, DiskRead: nothing, DiskWrite: nothing}
	g.Base = estate.Counters{}
}

func stoppedSource(kind estate.GuestKind) estate.MemorySource {
	if kind == estate.Container {
		return estate.MemoryCgroup
	}
	return estate.MemoryUnknown
}

// share is a running guest's use of its CPUs. Zero of a young guest means that nothing was measured yet.
func share(v proxmox.Opt[float64], uptime int64) estate.Opt[float64] {
	if v.Value == 0 && uptime < youngGuest {
		return estate.Opt[float64]{}
	}
	return fraction(v)
}

// setMemory sets a running guest's used memory and what it means.
func setMemory(g *estate.Guest, used, host proxmox.Opt[int64]) {
	g.MemUsedBytes, g.MemHostBytes = capacity(used), capacity(host)
	if g.Kind == estate.Container {
		g.MemHostBytes, g.MemSource = estate.Opt[int64]{}, estate.MemoryCgroup
		return
	}
	g.MemSource = memorySource(g)
	total, known := g.MemTotalBytes.Get()
	if g.MemSource == estate.MemoryInGuest && known && g.MemUsedBytes.Or(0) > total {
		g.MemUsedBytes = estate.Some(total)
	}
}

// memorySource tells what a running VM's used memory means. PVE 9 sends the host's view beside it: where the two are
// equal there was nothing else. Before that only the balloon device tells.
func memorySource(g *estate.Guest) estate.MemorySource {
	used, known := g.MemUsedBytes.Get()
	if !known {
		return estate.MemoryUnknown
	}
	if host, ok := g.MemHostBytes.Get(); ok {
		if host == used {
			return estate.MemoryHost
		}
		return estate.MemoryInGuest
	}
	if g.Balloon == nil {
		return estate.MemoryUnknown
	}
	if free, ok := g.Balloon.FreeBytes.Get(); ok && free >= 0 {
		return estate.MemoryInGuest
	}
	return estate.MemoryHost
}

// setDisk sets a container's root file system. Of a VM only the size of its boot disk is known, and its agent's word
// about the file systems inside counts for more.
func setDisk(g *estate.Guest, used, total proxmox.Opt[int64]) {
	if g.Kind == estate.Container {
		settle(&g.DiskUsedBytes, amount(used))
		settle(&g.DiskTotalBytes, capacity(total))
		return
	}
	if g.Filesystems != nil && len(g.Filesystems.List) > 0 {
		return
	}
	g.DiskUsedBytes = estate.Opt[int64]{}
	settle(&g.DiskTotalBytes, capacity(total))
}
