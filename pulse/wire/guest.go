package wire

import (
	"slices"
	"strconv"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func compareGuests(a, b *estate.Guest) int { return a.VMID - b.VMID }

func sameGuestWords(a, b *estate.Guest) bool {
	return a.VMID == b.VMID && a.Generation == b.Generation && a.Kind == b.Kind && a.Name == b.Name &&
		a.Node == b.Node && a.Status == b.Status && a.Template == b.Template && a.Lock == b.Lock &&
		a.Pool == b.Pool && a.HAState == b.HAState && slices.Equal(a.Tags, b.Tags)
}

func sameGuestNumbers(a, b *estate.Guest) bool {
	return a.CPUFraction == b.CPUFraction && a.CPUs == b.CPUs &&
		a.MemUsedBytes == b.MemUsedBytes && a.MemTotalBytes == b.MemTotalBytes &&
		a.MemHostBytes == b.MemHostBytes && a.MemSource == b.MemSource &&
		a.DiskUsedBytes == b.DiskUsedBytes && a.DiskTotalBytes == b.DiskTotalBytes &&
		a.UptimeSeconds == b.UptimeSeconds && a.Rates == b.Rates &&
		sameBalloon(a.Balloon, b.Balloon) && sameFilesystems(a.Filesystems, b.Filesystems)
}

func sameBalloon(a, b *estate.Balloon) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.At.Equal(b.At) && a.ActualBytes == b.ActualBytes && a.MaxBytes == b.MaxBytes &&
		a.MinBytes == b.MinBytes && a.TotalBytes == b.TotalBytes && a.FreeBytes == b.FreeBytes &&
		a.GuestReported.Equal(b.GuestReported)
}

func sameFilesystems(a, b *estate.Filesystems) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.At.Equal(b.At) && a.Reason == b.Reason && slices.Equal(a.List, b.List)
}

func guestID(slug, node string, vmid int) string { return slug + "-" + node + "-" + strconv.Itoa(vmid) }

func (p *pass) guest(w *writer, g *estate.Guest, r *row) {
	t := p.target
	w.raw(p.idPrefix)
	w.buf = appendInner(w.buf, g.Node)
	w.buf = append(w.buf, '-')
	w.buf = strconv.AppendInt(w.buf, int64(g.VMID), 10)
	w.int(`","vmid":`, int64(g.VMID))
	w.str(`,"name":`, g.Name)
	w.str(`,"node":`, g.Node)
	w.str(`,"instance":`, t.Name)
	w.str(`,"status":`, statusWord(g.Status, r.status))
	w.str(`,"type":`, string(g.Kind))
	w.guestCPU(g)
	w.guestMemory(g)
	w.namedSpace(`,"disk":`, "disk", g.DiskTotalBytes, g.DiskUsedBytes)
	w.guestRates(g)
	w.bool(`,"template":`, g.Template)
	w.raw(`,"lastBackup":"0001-01-01T00:00:00Z"`)
	w.optStrs(`,"tags":`, g.Tags)
	w.optStr(`,"lock":`, g.Lock)
	w.raw(p.uidPrefix)
	w.buf = strconv.AppendInt(w.buf, int64(g.VMID), 10)
	w.int("/", int64(g.Generation))
	w.raw(`"`)
	w.freshness(r.fresh, g.Seen)
	w.guestDetail(g)
	w.unknown(0)
}

// stopped tells whether the guest uses nothing because it does not run, whatever was last read of it.
func stopped(g *estate.Guest) bool { return g.Status == estate.GuestStopped }

// guestCPU writes no use unless the guest runs: PVE keeps the last number of a paused one. One of unknown status may
// well be running.
func (w *writer) guestCPU(g *estate.Guest) {
	switch g.Status {
	case estate.GuestRunning, estate.GuestUnknown, "":
		w.fraction(`,"cpu":`, "cpu", g.CPUFraction)
	default:
		w.raw(`,"cpu":0`)
	}
	cpus, ok := sane(g.CPUs)
	if !ok {
		w.miss("cpus")
	}
	w.int(`,"cpus":`, wholeCPUs(cpus))
}

// wholeCPUs truncates as the older shape does, but a limit of half a CPU is not none.
func wholeCPUs(cpus float64) int64 {
	if cpus > 0 && cpus < 1 {
		return 1
	}
	return truncate(cpus)
}

func (w *writer) guestMemory(g *estate.Guest) {
	used := g.MemUsedBytes
	if stopped(g) {
		used = estate.Some[int64](0)
	}
	w.namedSpace(`,"memory":`, "memory", g.MemTotalBytes, used)
}

func (w *writer) guestRates(g *estate.Guest) {
	if stopped(g) {
		w.raw(`,"networkIn":0,"networkOut":0,"diskRead":0,"diskWrite":0,"uptime":0`)
		return
	}
	w.rate(`,"networkIn":`, "networkIn", g.Rates.NetIn)
	w.rate(`,"networkOut":`, "networkOut", g.Rates.NetOut)
	w.rate(`,"diskRead":`, "diskRead", g.Rates.DiskRead)
	w.rate(`,"diskWrite":`, "diskWrite", g.Rates.DiskWrite)
	w.count(`,"uptime":`, "uptime", g.UptimeSeconds)
}

// guestDetail writes what the older shape has no field for.
func (w *writer) guestDetail(g *estate.Guest) {
	if !stopped(g) {
		w.optStr(`,"memorySource":`, string(g.MemSource))
		w.optInt(`,"memoryHost":`, g.MemHostBytes)
	}
	w.optStr(`,"diskSource":`, diskSource(g))
	if cpus, ok := sane(g.CPUs); ok && cpus != float64(wholeCPUs(cpus)) {
		w.float(`,"cpuLimit":`, cpus)
	}
	w.optStr(`,"pool":`, g.Pool)
	w.optStr(`,"haState":`, g.HAState)
	if g.Balloon != nil {
		w.balloon(g.Balloon)
	}
	if g.Filesystems != nil {
		w.filesystems(g.Filesystems)
	}
}

func diskSource(g *estate.Guest) string {
	_, known := natural(g.DiskUsedBytes)
	switch {
	case !known:
		return ""
	case g.Kind == estate.Container:
		return "rootfs"
	default:
		return "agent"
	}
}

func (w *writer) balloon(b *estate.Balloon) {
	w.time(`,"balloon":{"at":`, b.At)
	w.optInt(`,"actual":`, b.ActualBytes)
	w.optInt(`,"max":`, b.MaxBytes)
	w.optInt(`,"min":`, b.MinBytes)
	w.optInt(`,"total":`, b.TotalBytes)
	w.optInt(`,"free":`, b.FreeBytes)
	w.optTime(`,"guestReported":`, b.GuestReported)
	w.raw("}")
}

func (w *writer) filesystems(f *estate.Filesystems) {
	w.raw(`,"filesystems":[`)
	for i := range f.List {
		if i > 0 {
			w.raw(",")
		}
		fs := &f.List[i]
		w.str(`{"mountpoint":`, fs.Mountpoint)
		w.optStr(`,"type":`, fs.Type)
		w.optStr(`,"device":`, fs.Device)
		w.optInt(`,"used":`, fs.UsedBytes)
		w.optInt(`,"total":`, fs.TotalBytes)
		w.raw("}")
	}
	w.time(`],"filesystemsAt":`, f.At)
	w.optStr(`,"filesystemsReason":`, f.Reason)
}
