package wire

import (
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The words of a PBS's status and connectionHealth.
const (
	serverOnline    = "online"
	serverOffline   = "offline"
	serverUnknown   = "unknown" // nothing was tried yet
	serverUnhealthy = "unhealthy"
)

func serverID(slug string) string { return "pbs-" + slug }

func serverUID(id estate.TargetID) string { return string(id) + "/server" }

// serverWords returns status and connectionHealth.
func (p *pass) serverWords(fresh estate.Freshness) (status, health string) {
	switch {
	case p.conn.Status == Pending:
		return serverUnknown, serverUnhealthy
	case p.conn.Status == Disconnected:
		return serverOffline, serverUnhealthy
	case fresh == estate.Unknown:
		return serverUnknown, string(healthSilent)
	case fresh == estate.Stale:
		return serverOnline, string(healthSilent)
	default:
		return serverOnline, string(healthy)
	}
}

// server writes a PBS, which has its row even before it answered for the first time. It returns what in the row is a
// word, as one string.
func (p *pass) server(w *writer, s *estate.Server, fresh estate.Freshness) string {
	t := p.target
	status, health := p.serverWords(fresh)
	w.str(`{"id":`, serverID(t.Slug))
	w.str(`,"name":`, t.Name)
	w.str(`,"host":`, t.Host)
	w.str(`,"status":`, status)
	w.str(`,"version":`, shortVersion(s.Version))
	w.fraction(`,"cpu":`, "cpu", s.CPUFraction)
	memory, known := newSpace(s.MemTotalBytes, s.MemUsedBytes)
	if !known {
		w.miss("memory")
	}
	w.float(`,"memory":`, memory.usagePercent())
	w.int(`,"memoryUsed":`, memory.used)
	w.int(`,"memoryTotal":`, memory.total)
	w.count(`,"uptime":`, "uptime", s.UptimeSeconds)
	w.raw(`,"datastores":[`)
	words := []string{status, health, string(fresh), s.Version}
	for i := range s.Datastores {
		if i > 0 {
			w.raw(",")
		}
		words = append(words, p.datastore(w, &s.Datastores[i])...)
	}
	w.raw(`],"backupJobs":[],"syncJobs":[],"verifyJobs":[],"pruneJobs":[],"garbageJobs":[]`)
	w.str(`,"connectionHealth":`, health)
	w.str(`,"uid":`, serverUID(t.ID))
	w.freshness(fresh, s.Seen)
	w.serverDetail(s)
	w.optStr(`,"error":`, p.conn.Error)
	w.optStr(`,"reason":`, string(p.conn.Reason))
	w.unknown(0)
	return strings.Join(words, "\x00")
}

// serverDetail writes what the older shape has no field for.
func (w *writer) serverDetail(s *estate.Server) {
	w.optStr(`,"fullVersion":`, s.Version)
	if disk, known := newSpace(s.DiskTotalBytes, s.DiskUsedBytes); known {
		w.object(`,"disk":`, disk)
	}
	if len(s.LoadAverage) > 0 {
		w.floats(`,"loadAverage":`, s.LoadAverage)
	}
	w.optStr(`,"kernelVersion":`, s.KernelVersion)
	w.optStr(`,"cpuModel":`, s.CPUModel)
	w.optInt(`,"cpus":`, s.CPUs)
}

// shortVersion keeps major and minor, as the older shape has it.
func shortVersion(version string) string {
	if version == "" {
		return "unknown"
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, ok := strings.Cut(rest, ".")
	if !ok {
		return version
	}
	return major + "." + minor
}

// datastore returns what in the entry is a word.
func (p *pass) datastore(w *writer, d *estate.Datastore) []string {
	outer := len(w.missing)
	fresh := p.judge(d.Seen)
	status := datastoreStatus(d, fresh)
	w.str(`{"name":`, d.Name)
	w.flatSpace(d.TotalBytes, d.UsedBytes, d.AvailableBytes)
	w.str(`,"status":`, status)
	w.optStr(`,"error":`, d.Error)
	if len(d.Namespaces) > 0 {
		w.namespaces(d.Namespaces)
	}
	w.str(`,"uid":`, estate.DatastoreKey{Target: p.target.ID, Name: d.Name}.UID())
	w.freshness(fresh, d.Seen)
	w.optStr(`,"comment":`, d.Comment)
	w.optStr(`,"maintenance":`, d.Maintenance)
	w.optStr(`,"mountStatus":`, d.MountStatus)
	w.optTime(`,"estimatedFull":`, d.EstimatedFull)
	w.optStr(`,"namespacesNote":`, d.NamespacesNote)
	w.unknown(outer)
	w.raw("}")
	return []string{d.Name, status, string(fresh), d.Maintenance, d.MountStatus}
}

func datastoreStatus(d *estate.Datastore, fresh estate.Freshness) string {
	switch {
	case fresh == estate.Unknown:
		return "unknown"
	case d.Maintenance != "":
		return "maintenance"
	case d.MountStatus == "notmounted":
		return "unavailable"
	case d.Error != "":
		return "error"
	default:
		return "available"
	}
}

func (w *writer) namespaces(list []estate.Namespace) {
	w.raw(`,"namespaces":[`)
	for i, n := range list {
		if i > 0 {
			w.raw(",")
		}
		w.str(`{"path":`, n.Path)
		if cut := strings.LastIndexByte(n.Path, '/'); cut >= 0 {
			w.str(`,"parent":`, n.Path[:cut])
		}
		w.int(`,"depth":`, int64(strings.Count(n.Path, "/")))
		w.optStr(`,"comment":`, n.Comment)
		w.raw("}")
	}
	w.raw("]")
}
