package proxmox

// GuestKind is "qemu" for VMs or "lxc" for containers, as in API paths.
type GuestKind string

// The kinds of guest.
const (
	VM        GuestKind = "qemu"
	Container GuestKind = "lxc"
)

// Resources is the reply of PVE "GET /cluster/resources": everything the credential may see, in one table. Rows are in
// the server's order. Rows it leaves out may not exist or may be hidden by missing rights: see [Client.Permissions].
type Resources struct {
	Nodes    []ResourceNode
	Guests   []ResourceGuest
	Storages []ResourceStorage
	Pools    []ResourcePool
	Networks []ResourceNetwork
	// Skipped counts rows of types that this package does not know.
	Skipped int
}

// ResourceNode is a row of type node. An offline node loses CPUFraction, MemBytes, DiskBytes and UptimeSeconds at once
// and the maxima after five minutes; without Sys.Audit on the node none of the numbers is there.
type ResourceNode struct {
	Name string
	// Status is "online", "offline" (the cluster's membership says so) or "unknown" (nothing reported for five minutes).
	Status string
	// HAState is "online", "maintenance", "unknown", "fence" or "gone" where the HA manager has run.
	HAState string
	// Level is the subscription level: "" (none), "c", "b", "s" or "p".
	Level string
	// CPUFraction is the share of all logical CPUs in use, 0 to 1.
	CPUFraction Opt[float64]
	// MaxCPU counts logical CPUs.
	MaxCPU Opt[float64]
	// MemBytes excludes page cache and includes the ZFS ARC.
	MemBytes    Opt[int64]
	MaxMemBytes Opt[int64]
	// DiskBytes and MaxDiskBytes are of the root file system.
	DiskBytes     Opt[int64]
	MaxDiskBytes  Opt[int64]
	UptimeSeconds Opt[int64]
}

// ResourceGuest is a row of type qemu or lxc. Five minutes after the last report only Kind, VMID, Node, Status
// ("unknown") and perhaps Lock, Tags, Pool and HAState are left, without a name.
type ResourceGuest struct {
	Kind GuestKind
	VMID int
	// Node is the owner now; after a migration it changes before the numbers do.
	Node string
	Name string
	// Status is "running", "stopped", "unknown", or for VMs a finer state of the hypervisor such as "paused",
	// "suspended", "prelaunch", "io-error" or "internal-error".
	Status  string
	Pool    string
	HAState string
	// Lock names the operation that holds the guest, such as "backup" or "migrate"; empty when none does.
	Lock string
	// Tags are separated by ";".
	Tags string
	// Template is unknown when the row carries no numbers.
	Template Opt[bool]
	// CPUFraction is the share of the guest's own MaxCPU: 1 is all of them busy, and it can exceed 1. A negative
	// value (a counter that was reset) is unknown.
	CPUFraction Opt[float64]
	// MaxCPU can be a fraction for a container with a limit only.
	MaxCPU Opt[float64]
	// MemBytes of a VM includes its page cache, or is the host's view of the process when equal to MemHostBytes; of a
	// container it excludes page cache.
	MemBytes    Opt[int64]
	MaxMemBytes Opt[int64]
	// MemHostBytes is what a VM costs its host (PVE 9 and later); unknown for containers.
	MemHostBytes Opt[int64]
	// DiskBytes is the used part of a container's root file system; unknown for VMs, whose 0 means "not measured".
	DiskBytes Opt[int64]
	// MaxDiskBytes is the size of the boot disk or root file system.
	MaxDiskBytes Opt[int64]
	// NetInBytes (towards the guest), NetOutBytes, DiskReadBytes and DiskWriteBytes count since the guest started. A
	// disk counter of 0 beside a growing uptime may mean that the monitor socket did not answer.
	NetInBytes     Opt[int64]
	NetOutBytes    Opt[int64]
	DiskReadBytes  Opt[int64]
	DiskWriteBytes Opt[int64]
	// UptimeSeconds is 0 for a stopped guest. It advances with each report, so it is the clock of the counters.
	UptimeSeconds Opt[int64]
}

// ResourceStorage is a row of type storage: one per node, also for shared storages.
type ResourceStorage struct {
	Name string
	Node string
	// Status is "available" or "unknown" (not reported for five minutes).
	Status string
	// Plugin is the type, such as "dir", "lvmthin", "zfspool", "nfs" or "pbs".
	Plugin string
	// Content lists what it may hold, separated by commas.
	Content string
	// Shared says that every node sees the same content; it is configuration, not observation.
	Shared       bool
	DiskBytes    Opt[int64]
	MaxDiskBytes Opt[int64]
}

// ResourcePool is a row of type pool. The sums over running members are there only when it has some.
type ResourcePool struct {
	Name          string
	CPUFraction   Opt[float64]
	MaxCPU        Opt[float64]
	MemBytes      Opt[int64]
	MaxMemBytes   Opt[int64]
	UptimeSeconds Opt[int64]
}

// ResourceNetwork is a row of type network (PVE 9 and later) or sdn.
type ResourceNetwork struct {
	Name string
	Node string
	// Kind is "zone", "fabric", or "sdn" for the older form.
	Kind   string
	Status string
}
