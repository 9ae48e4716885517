package sim

import (
	"math"
	"time"
)

// never is a tick that does not come.
const never = math.MaxInt64

// node is one member of a cluster.
type node struct {
	name    string
	id      int // corosync node id, from 1; 0 on a standalone host
	chance  chance
	model   string
	maxCPU  int
	maxMem  int64
	maxDisk int64 // root file system
	booted  time.Time
	place   *endpoint

	off         bool
	proxyDown   bool // pveproxy refuses connections
	daemonDown  bool // pvedaemon refuses: protected calls fail
	hung        bool // pveproxy accepts and never answers
	slow        time.Duration
	proxyError  int    // what other members answer for its paths; 0 none
	proxyReason string // the reason that goes with it
	frozen      int64  // tick of the numbers last published; -1 while pvestatd runs
	thaw        int64  // tick after which pvestatd publishes again
	statusWarm  bool   // a worker has measured CPU before
	tasks       []*task
	lastPID     uint32
}

// published is the tick of the newest numbers of this node in tick current.
func (n *node) published(current int64) int64 {
	if n.frozen >= 0 && current <= n.thaw {
		return n.frozen
	}
	return current
}

// freeze stops publishing after tick current.
func (n *node) freeze(current int64) {
	n.frozen, n.thaw = n.published(current), never
}

// unfreeze lets the next loop of pvestatd publish again.
func (n *node) unfreeze(current int64) {
	if n.frozen >= 0 {
		n.thaw = current
	}
}

// nodeReading is a node's numbers at one moment.
type nodeReading struct {
	uptime        int64
	cpu, wait     float64
	mem, disk     int64
	load1, load5  float64
	load15        float64
	swapUsed      int64
	netIn, netOut int64
	memoryFree    int64
}

// at computes the numbers of tick n, at time t.
func (n *node) at(t time.Time, step uint64) nodeReading {
	seconds := t.Sub(n.booted).Seconds()
	busy := n.chance.of(saltCPU).between(0.08, 0.45)
	cpu := busy * (1 + 0.4*n.chance.of(saltCPU, 1).wave(seconds, 1800)) * n.chance.of(saltCPU, step).between(0.85, 1.15)
	share := n.chance.of(saltMemory).between(0.4, 0.75) + 0.02*n.chance.of(saltMemory, 1).wave(seconds, 3600)
	cores := float64(n.maxCPU)
	r := nodeReading{
		uptime:   uptime(n.booted, t),
		cpu:      cpu,
		wait:     cpu * n.chance.of(saltIdle, step).between(0.01, 0.05),
		mem:      int64(share*float64(n.maxMem)) &^ 4095,
		disk:     int64(n.chance.of(saltDisk).between(0.05, 0.5)*float64(n.maxDisk)+math.Max(seconds, 0)/3600*1e6) &^ 4095,
		load1:    cpu * cores * n.chance.of(saltHost, step).between(0.8, 1.4),
		load5:    busy * cores * 1.05,
		load15:   busy * cores,
		swapUsed: int64(n.chance.of(saltHost).between(0, 0.02)*(8<<30)) &^ 4095,
		netIn:    int64(math.Max(seconds, 0) * n.chance.of(saltNetIn).between(1e5, 5e6)),
		netOut:   int64(math.Max(seconds, 0) * n.chance.of(saltNetOut).between(1e5, 5e6)),
	}
	r.memoryFree = (n.maxMem - r.mem) * 6 / 10 &^ 4095
	return r
}
