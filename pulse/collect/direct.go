package collect

import (
	"cmp"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// The cluster's table lags up to ten seconds behind a guest's own status: for so long a status read directly, and the
// destruction of a guest, hold against it.
const directHold = 15 * time.Second

// Which node a guest is on comes from the cluster's files at once, except for short caches on the way.
const ownerLag = 5 * time.Second

// What is said of a VM whose agent need not be asked.
const reasonAgentOff = "the guest agent is switched off in the configuration of the VM"

func (m *guestMerge) held(since time.Time) bool { return m.at.Sub(since) < directHold }

// echo tells whether a row still shows a guest that was just destroyed, and not the next one with its VMID.
func (m *guestMerge) echo(destroyed time.Time, row *proxmox.ResourceGuest) bool {
	if destroyed.IsZero() || !m.held(destroyed) {
		return false
	}
	uptime := row.UptimeSeconds.Value
	return uptime <= 0 || uptime > seconds(m.at.Sub(destroyed))
}

// overtakes tells whether a row is newer than the direct reading in last, which is age old.
func overtakes(row *proxmox.ResourceGuest, last *estate.Guest, age time.Duration) bool {
	if row.Node != last.Node {
		return age >= ownerLag
	}
	if !row.UptimeSeconds.Known {
		return false
	}
	uptime := row.UptimeSeconds.Value
	if last.Status == estate.GuestStopped {
		return row.Status == estate.GuestStopped || uptime > 0 && uptime <= seconds(age)
	}
	read := last.UptimeSeconds.Or(0)
	return row.Status == last.Status && uptime >= read-1 && uptime <= read+seconds(age)+3
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// applyStatus takes a guest's own status over g, which holds the last known values. CPU share and rates stay with the
// table, whose readings are evenly spaced; they are dropped where they belong to an earlier run of the guest.
func applyStatus(g *estate.Guest, status *proxmox.GuestStatus, node string, at time.Time) {
	moved := g.Node != node
	keep(&g.Node, node)
	keep(&g.Status, cmp.Or(status.QMPStatus, status.Status, estate.GuestUnknown))
	if status.Name != "" {
		keep(&g.Name, status.Name)
	}
	keep(&g.Lock, status.Lock)
	g.Tags = splitList(status.Tags, ';', g.Tags)
	g.Template = status.Template
	settle(&g.CPUs, processors(status.CPUs))
	settle(&g.MemTotalBytes, capacity(status.MaxMemBytes))
	applyBalloon(g, status, at)
	setDisk(g, status.DiskBytes, status.MaxDiskBytes)
	g.Seen = estate.Seen{At: at, Advanced: at}
	if g.Status == estate.GuestStopped {
		setStopped(g)
		return
	}
	setMemory(g, status.MemBytes, status.MemHostBytes)
	uptime := max(status.UptimeSeconds.Value, 0)
	if moved || uptime < g.UptimeSeconds.Or(0) || g.UptimeSeconds.Or(0) == 0 {
		g.CPUFraction, g.Rates, g.Base = estate.Opt[float64]{}, estate.Rates{}, estate.Counters{}
	}
	g.UptimeSeconds = estate.Some(uptime)
}

// applyBalloon keeps what a VM's status says about its memory and about its agent. A guest agent that is switched off is
// remembered as an answer, so that it is not asked for file systems.
func applyBalloon(g *estate.Guest, status *proxmox.GuestStatus, at time.Time) {
	if g.Kind != estate.VM {
		return
	}
	switch {
	case !status.AgentEnabled:
		g.Filesystems = &estate.Filesystems{At: at, Reason: reasonAgentOff}
	case g.Filesystems != nil && g.Filesystems.Reason == reasonAgentOff:
		g.Filesystems = nil
	}
	if status.Status == estate.GuestStopped {
		return
	}
	b := &estate.Balloon{
		At:            at,
		ActualBytes:   amount(status.Balloon.ActualBytes),
		MaxBytes:      capacity(status.Balloon.MaxBytes),
		TotalBytes:    capacity(status.Balloon.TotalBytes),
		FreeBytes:     amount(status.Balloon.FreeBytes),
		GuestReported: status.Balloon.LastUpdate,
	}
	if b.FreeBytes.Or(0) > b.TotalBytes.Or(b.FreeBytes.Or(0)) {
		b.FreeBytes = estate.Opt[int64]{} // more free than there is
	}
	g.Balloon = b
}

// rotate takes a status that was read in rotation rather than because something happened: only what the table does not
// have, so that the table's evenly spaced numbers go on undisturbed.
func rotate(g *estate.Guest, status *proxmox.GuestStatus, at time.Time) {
	applyBalloon(g, status, at)
	if g.Status != estate.GuestStopped && g.MemHostBytes == (estate.Opt[int64]{}) {
		g.MemSource = memorySource(g)
	}
}
