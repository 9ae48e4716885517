package estate

import "time"

// GuestKind is the virtualisation of a guest, by PVE's own word.
type GuestKind string

// The kinds of guests.
const (
	VM        GuestKind = "qemu"
	Container GuestKind = "lxc"
)

// The status words Pulse acts on. PVE has more (prelaunch, io-error, inmigrate, …); they are passed on.
const (
	GuestRunning   = "running"
	GuestStopped   = "stopped"
	GuestPaused    = "paused"
	GuestSuspended = "suspended"
	GuestUnknown   = "unknown"
)

// MemorySource says what a guest's used memory means: PVE sends one number for three different things.
type MemorySource string

// The sources of a guest's used memory.
const (
	// MemoryInGuest is total minus free as the guest's balloon driver reports it: page cache counts as used.
	MemoryInGuest MemorySource = "guest-with-cache"
	// MemoryHost is the host's view of the VM's process; it may exceed the configured memory.
	MemoryHost MemorySource = "host"
	// MemoryCgroup is a container's own use without page cache.
	MemoryCgroup MemorySource = "cgroup"
	// MemoryUnknown is a VM's number whose origin is not known yet.
	MemoryUnknown MemorySource = "unknown"
)

// Guest is a VM or a container. Its numbers come from /cluster/resources, or from the guest's own
// status/current after a task concerned it.
type Guest struct {
	VMID       int       `json:"vmid"`
	Generation int       `json:"generation,omitempty"` // see [GuestKey]
	Kind       GuestKind `json:"kind"`
	Name       string    `json:"name,omitempty"` // the last known one while PVE sends none
	Node       string    `json:"node"`           // where it is now
	Status     string    `json:"status"`
	Template   bool      `json:"template,omitempty"`
	Lock       string    `json:"lock,omitempty"` // as backup, migrate, snapshot
	Pool       string    `json:"pool,omitempty"`
	HAState    string    `json:"haState,omitempty"`
	Tags       []string  `json:"tags,omitempty"`

	CPUFraction   Opt[float64] `json:"cpu,omitzero"`     // share of CPUs; may exceed 1
	CPUs          Opt[float64] `json:"cpus,omitzero"`    // a container's limit may be fractional
	MemUsedBytes  Opt[int64]   `json:"memUsed,omitzero"` // what it means: MemSource
	MemTotalBytes Opt[int64]   `json:"memTotal,omitzero"`
	MemHostBytes  Opt[int64]   `json:"memHost,omitzero"` // PVE 9: the host's view of a VM
	MemSource     MemorySource `json:"memSource,omitempty"`
	// DiskUsedBytes is a container's root file system, or the sum of a VM's file systems when its agent
	// told them; PVE itself does not know a VM's disk use.
	DiskUsedBytes  Opt[int64] `json:"diskUsed,omitzero"`
	DiskTotalBytes Opt[int64] `json:"diskTotal,omitzero"`
	UptimeSeconds  Opt[int64] `json:"uptime,omitzero"`

	Rates Rates    `json:"rates,omitzero"`
	Base  Counters `json:"base,omitzero"` // the last accepted counters, from which the next rates are taken

	Balloon     *Balloon     `json:"balloon,omitempty"`     // nil until read
	Filesystems *Filesystems `json:"filesystems,omitempty"` // nil until read
	Seen        Seen         `json:"seen"`
}

// Key returns the guest's identity within a target.
func (g *Guest) Key(target TargetID) GuestKey {
	return GuestKey{Target: target, VMID: g.VMID, Generation: g.Generation}
}

// Rates are bytes per second; each is unknown until two readings of its counter exist, after a restart of
// the guest, and while PVE could not read the counter.
type Rates struct {
	NetIn     Opt[float64] `json:"netIn,omitzero"`  // towards the guest
	NetOut    Opt[float64] `json:"netOut,omitzero"` // from the guest
	DiskRead  Opt[float64] `json:"diskRead,omitzero"`
	DiskWrite Opt[float64] `json:"diskWrite,omitzero"`
}

// Counters are byte counters since the guest started, each with the guest's uptime (in seconds) when it
// was accepted: rates are taken over the guest's own clock, since PVE repeats numbers between two loops.
type Counters struct {
	NetIn     Counter `json:"netIn,omitzero"`
	NetOut    Counter `json:"netOut,omitzero"`
	DiskRead  Counter `json:"diskRead,omitzero"`
	DiskWrite Counter `json:"diskWrite,omitzero"`
}

// Counter is one accepted reading of a byte counter. The zero Counter means that none was accepted yet.
type Counter struct {
	Value  int64 `json:"value"`
	Uptime int64 `json:"uptime"` // seconds; 0 only in the zero Counter
}

// Balloon is a VM's memory as its balloon device tells, from status/current.
type Balloon struct {
	At          time.Time  `json:"at"`
	ActualBytes Opt[int64] `json:"actual,omitzero"` // assigned now
	MaxBytes    Opt[int64] `json:"max,omitzero"`
	MinBytes    Opt[int64] `json:"min,omitzero"`   // the host may reclaim down to this
	TotalBytes  Opt[int64] `json:"total,omitzero"` // as the guest sees it; absent without a driver in the guest
	FreeBytes   Opt[int64] `json:"free,omitzero"`
	// GuestReported is when the driver in the guest last answered; older than about 30 s means it hangs.
	GuestReported time.Time `json:"guestReported,omitzero"`
}

// Filesystems are what the guest agent of a VM tells about the file systems inside it.
type Filesystems struct {
	At   time.Time    `json:"at"` // when it was asked
	List []Filesystem `json:"list,omitempty"`
	// Reason says why List is empty, as "the guest agent is not running"; empty when it is not.
	Reason string `json:"reason,omitempty"`
}

// Filesystem is one mounted file system inside a VM.
type Filesystem struct {
	Mountpoint string     `json:"mountpoint"`
	Type       string     `json:"type,omitempty"`
	Device     string     `json:"device,omitempty"`
	UsedBytes  Opt[int64] `json:"used,omitzero"`
	TotalBytes Opt[int64] `json:"total,omitzero"`
}
