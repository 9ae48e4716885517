package sim

import (
	"errors"
	"fmt"
	"time"
)

// Config describes an estate. The zero value of every field has a default, so
// that Config{} is a valid, small estate.
type Config struct {
	// Seed selects names, sizes, secrets, keys and numbers.
	Seed uint64
	// Clusters is the number of PVE clusters; default 1.
	Clusters int
	// NodesPerCluster is the number of members of each cluster; default 3. One
	// gives standalone hosts, which answer /cluster/status without a cluster row.
	NodesPerCluster int
	// Guests is the number of VMs and containers of all clusters together,
	// spread evenly; default 12. About 70% are VMs, about 90% run. VMIDs start
	// at 100 in each cluster, so they collide across clusters.
	Guests int
	// BackupServers is the number of PBS; default 0. Cluster i is backed up to
	// server i modulo BackupServers, in a namespace named after the cluster.
	BackupServers int
	// BackupsPerGuest is the number of snapshots of each guest on its PBS.
	BackupsPerGuest int
	// Tick is how often published values move; default 10 s as pvestatd.
	Tick time.Duration
	// ChangeShare is the share (0 to 1] of running guests whose CPU, memory and
	// counters move in a tick; default 0.9. Uptime always moves.
	ChangeShare float64
	// TaskDuration is how long a task such as stopping a guest runs; the guest
	// changes when the task ends. Zero ends tasks at once.
	TaskDuration time.Duration
	// AuthDelay is how long a refused login or credential takes; default none.
	// The real servers take about three seconds.
	AuthDelay time.Duration
	// ProxyTimeout is how long a member waits for a hung one before it answers
	// 596; default 30 s as pveproxy.
	ProxyTimeout time.Duration
	// IdleTimeout closes connections without a request; default 5 s as pveproxy.
	IdleTimeout time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// InMemory makes the estate reachable through [Estate.DialContext] only,
	// without sockets, as tests under testing/synctest need it.
	InMemory bool
	// PVEPort and PBSPort fix the ports. By default a free port is taken, or
	// 8006 and 8007 in memory.
	PVEPort, PBSPort int

	layout layout
}

// layout selects who furnishes the estate.
type layout int

const (
	layoutGenerated layout = iota
	layoutDemo
)

// Demo is an estate like a home or small office: cluster "home" of three nodes,
// the standalone host "attic", about two dozen guests with names, tags, pools
// and oddities (templates, a paused and a locked VM, fractional CPU limits),
// and the backup server "vault" with two datastores and namespaces.
func Demo() Config {
	return Config{
		Seed:            7,
		Clusters:        2,
		NodesPerCluster: 3,
		Guests:          24,
		BackupServers:   1,
		BackupsPerGuest: 8,
		TaskDuration:    time.Second,
		layout:          layoutDemo,
	}
}

// withDefaults fills what was left out and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.Clusters, 1)
	setDefault(&c.NodesPerCluster, 3)
	setDefault(&c.Guests, 12)
	setDefault(&c.Tick, 10*time.Second)
	setDefault(&c.ChangeShare, 0.9)
	setDefault(&c.ProxyTimeout, 30*time.Second)
	setDefault(&c.IdleTimeout, 5*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(
		within("Clusters", c.Clusters, 1, 200),
		within("NodesPerCluster", c.NodesPerCluster, 1, 64),
		within("Guests", c.Guests, 1, 200_000),
		within("BackupServers", c.BackupServers, 0, 50),
		within("BackupsPerGuest", c.BackupsPerGuest, 0, 1000),
		within("Tick", c.Tick, 100*time.Millisecond, time.Minute),
		within("ChangeShare", c.ChangeShare, 0, 1),
		within("TaskDuration", c.TaskDuration, 0, time.Hour),
		within("AuthDelay", c.AuthDelay, 0, time.Minute),
		within("ProxyTimeout", c.ProxyTimeout, 0, time.Hour),
		within("IdleTimeout", c.IdleTimeout, time.Millisecond, time.Hour),
		within("PVEPort", c.PVEPort, 0, 65535),
		within("PBSPort", c.PBSPort, 0, 65535),
	)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func within[T int | float64 | time.Duration](name string, value, low, high T) error {
	if value >= low && value <= high {
		return nil
	}
	return fmt.Errorf("sim: %s is %v, want %v to %v", name, value, low, high)
}
