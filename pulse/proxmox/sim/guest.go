package sim

import (
	"fmt"
	"math"
	"time"
)

const (
	typeVM        = "qemu"
	typeContainer = "lxc"

	statusRunning = "running"
	statusStopped = "stopped"
	statusPaused  = "paused"
)

// guest is one VM or container of a cluster.
type guest struct {
	vmid   int
	kind   string
	chance chance // of this incarnation; a recreated VMID has another
	node   string

	// These are read from the configuration at call time, never lagging.
	tags, pool, lock string
	haState          string

	cores    int
	cpuLimit string // as configured on a container, "" without
	maxCPU   float64
	maxMem   int64
	maxDisk  int64
	level    float64 // typical CPU fraction

	reportsMemory bool // the balloon driver gives statistics
	onPool        bool // its disk is on the ZFS pool
	agent         bool
	agentHangs    bool
	qmpSilent     bool // QMP does not answer pvestatd

	created   time.Time
	measured  time.Time // start of the process whose CPU a worker measured last
	snapshots []guestSnapshot

	live    guestState  // the truth, as status/current tells it
	shown   *guestState // what pvestatd published; nil before its first loop
	changed int64       // tick in which live last changed
}

// guestState is what a task changes and pvestatd publishes with its next loop.
type guestState struct {
	name          string
	template      bool
	status        string // QEMU's finer status
	started       time.Time
	countersSince time.Time
	paused        time.Time // since when; zero while it runs
}

func (s guestState) alive() bool { return s.status != statusStopped }

// guestSnapshot is a snapshot of a guest, not a backup.
type guestSnapshot struct {
	name, description, parent string
	taken                     time.Time
	vmState                   bool
}

// id is the guest's id in /cluster/resources, such as "qemu/100".
func (g *guest) id() string { return fmt.Sprintf("%s/%d", g.kind, g.vmid) }

// sid is the guest's id in HA, such as "vm:100".
func (g *guest) sid() string {
	if g.kind == typeVM {
		return fmt.Sprintf("vm:%d", g.vmid)
	}
	return fmt.Sprintf("ct:%d", g.vmid)
}

// configPath is the configuration file below /etc/pve.
func configPath(node, kind string, vmid int) string {
	folder := "lxc"
	if kind == typeVM {
		folder = "qemu-server"
	}
	return fmt.Sprintf("nodes/%s/%s/%d.conf", node, folder, vmid)
}

// reading is a guest's numbers at one moment.
type reading struct {
	uptime              int64
	cpu                 float64
	mem, memHost, disk  int64
	netIn, netOut       int64
	diskRead, diskWrite int64
	swap                int64
}

// Salts of the independent series of a guest.
const (
	saltMoved uint64 = iota + 1
	saltCPU
	saltMemory
	saltIdle
	saltNetIn
	saltNetOut
	saltRead
	saltWrite
	saltDisk
	saltHost
)

// published is the reading that pvestatd made in tick n.
func (g *guest) published(s guestState, n int64, cfg *Config, clk clock) reading {
	moved := n
	for moved > 0 && n-moved < 20 && g.chance.of(saltMoved, uint64(moved)).unit() >= cfg.ChangeShare {
		moved--
	}
	r := g.at(s, clk.time(moved), uint64(moved))
	if s.alive() {
		r.uptime = uptime(s.started, clk.time(n))
	}
	return r
}

// at computes the reading at t; step varies the noise.
func (g *guest) at(s guestState, t time.Time, step uint64) reading {
	if !s.alive() {
		return reading{}
	}
	since := s.countersSince
	busy := t
	if !s.paused.IsZero() && busy.After(s.paused) {
		busy = s.paused
	}
	seconds := max(busy.Sub(since).Seconds(), 0)
	r := reading{
		uptime:    uptime(s.started, t),
		cpu:       g.cpuAt(s, seconds, step),
		netIn:     g.counter(saltNetIn, seconds, 2e5),
		netOut:    g.counter(saltNetOut, seconds, 1.2e5),
		diskRead:  g.counter(saltRead, seconds, 3e5),
		diskWrite: g.counter(saltWrite, seconds, 2.4e5),
	}
	g.memoryAt(&r, seconds, step)
	if g.kind == typeContainer {
		r.disk = int64(float64(g.maxDisk) * g.chance.of(saltDisk).between(0.08, 0.85))
	}
	return r
}

// cpuAt wanders around the guest's level and is exactly zero now and then.
func (g *guest) cpuAt(s guestState, seconds float64, step uint64) float64 {
	if s.status != statusRunning || g.chance.of(saltIdle, step).unit() < 0.02 {
		return 0
	}
	slow := 1 + 0.5*g.chance.of(saltCPU).wave(seconds, 1800)
	noise := g.chance.of(saltCPU, step).between(0.7, 1.3)
	return g.level * slow * noise
}

// memoryAt fills used memory; without balloon statistics it is the host's view.
func (g *guest) memoryAt(r *reading, seconds float64, step uint64) {
	base := g.chance.of(saltMemory).between(0.25, 0.8)
	share := base + 0.03*g.chance.of(saltMemory, 1).wave(seconds, 3600) +
		0.01*g.chance.of(saltMemory, 2, step).unit()
	r.mem = int64(share * float64(g.maxMem))
	if g.kind == typeContainer {
		r.swap = int64(float64(g.maxMem/2) * g.chance.of(saltMemory, 3).between(0, 0.2))
		return
	}
	r.memHost = min(int64(float64(r.mem)*g.chance.of(saltHost).between(1.01, 1.2)), g.maxMem+g.maxMem/50)
	if !g.reportsMemory {
		r.mem = r.memHost
	}
	if g.qmpSilent {
		r.mem, r.diskRead, r.diskWrite = r.memHost, 0, 0
	}
}

// counter is a byte counter since the guest started. It never falls: its slope
// is the typical rate times a factor between 0 and 2.
func (g *guest) counter(salt uint64, seconds, typical float64) int64 {
	c := g.chance.of(salt)
	rate := typical * math.Exp(c.between(-4, 1))
	const period = 600
	swing := period / (2 * math.Pi) * (1 - math.Cos(2*math.Pi*seconds/period))
	return int64(rate * (seconds + swing))
}

// uptime is whole seconds as Proxmox tells it.
func uptime(started, t time.Time) int64 {
	return max(int64(t.Sub(started)/time.Second), 0)
}

// info is the live truth for callers of the package.
func (g *guest) info() Guest {
	return Guest{
		VMID: g.vmid, Type: g.kind, Name: g.live.name, Node: g.node, Status: g.live.status,
		Template: g.live.template, Tags: g.tags, Pool: g.pool, Lock: g.lock,
		CPUs: g.maxCPU, MemoryBytes: g.maxMem, DiskBytes: g.maxDisk, Agent: g.agent,
	}
}
