package proxmox

// NodeStatus is the reply of PVE "GET /nodes/{node}/status". Its cpu and wait shares are left out: they are measured
// between two calls that happened to reach the same server process. Take the CPU share from [Client.Resources].
type NodeStatus struct {
	UptimeSeconds Opt[int64]
	// Load1, Load5 and Load15 are the load averages.
	Load1, Load5, Load15 Opt[float64]
	CPU                  CPUModel
	Memory               MemoryUse
	Swap                 MemoryUse
	// RootFS is the root file system.
	RootFS FilesystemUse
	// KernelRelease is such as "6.17.2-1-pve"; on PVE 7 it is read out of the longer text.
	KernelRelease string
	// PVEVersion is the package version, such as "9.2.11".
	PVEVersion string
	// KSMSharedBytes is memory merged between guests.
	KSMSharedBytes Opt[int64]
}

// CPUModel describes the processors of a host.
type CPUModel struct {
	Model   string
	Sockets Opt[int64]
	// Cores is per socket; PBS does not say.
	Cores Opt[int64]
	// Logical counts hardware threads.
	Logical Opt[int64]
	// MHz is of the moment; PBS does not say.
	MHz Opt[float64]
}

// MemoryUse is main memory or swap of a host.
type MemoryUse struct {
	TotalBytes Opt[int64]
	UsedBytes  Opt[int64]
	FreeBytes  Opt[int64]
	// AvailableBytes is what can be had without swapping (PVE 9 and later, main memory only).
	AvailableBytes Opt[int64]
}

// FilesystemUse is how full a file system is. Used plus available can be less than the total.
type FilesystemUse struct {
	TotalBytes     Opt[int64]
	UsedBytes      Opt[int64]
	AvailableBytes Opt[int64]
}
