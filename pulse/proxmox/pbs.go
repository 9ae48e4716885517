package proxmox

import "time"

// HostStatus is the reply of PBS "GET /nodes/localhost/status".
type HostStatus struct {
	UptimeSeconds Opt[int64]
	// CPUFraction is the share of all logical CPUs in use, 0 to 1; WaitFraction the share spent waiting for I/O.
	CPUFraction  Opt[float64]
	WaitFraction Opt[float64]
	// Load1, Load5 and Load15 are the load averages.
	Load1, Load5, Load15 Opt[float64]
	CPU                  CPUModel
	Memory               MemoryUse
	Swap                 MemoryUse
	RootFS               FilesystemUse
	KernelRelease        string
	// Fingerprint is of the certificate the API serves.
	Fingerprint Fingerprint
}

// DatastoreUsage is a row of PBS "GET /status/datastore-usage".
type DatastoreUsage struct {
	Name string
	// TotalBytes, UsedBytes and AvailableBytes are unknown when the datastore cannot be read or only a namespace of
	// it is visible.
	TotalBytes     Opt[int64]
	UsedBytes      Opt[int64]
	AvailableBytes Opt[int64]
	// MountStatus is "mounted", "notmounted", "nonremovable", or "" before 3.3.
	MountStatus string
	// Backend is "filesystem", "s3", or "" before 4.0.
	Backend string
	// Error says why the datastore cannot be read.
	Error string
	// EstimatedFull is when it will be full, in UTC; zero when it is not filling up or nothing is known.
	EstimatedFull time.Time
	// HistoryStart and HistoryStep place the points of History; used fraction 0 to 1.
	HistoryStart time.Time
	HistoryStep  time.Duration
	History      []Opt[float64]
	GC           GarbageCollection
}

// GarbageCollection is the state after the last garbage collection of a datastore.
type GarbageCollection struct {
	// Known tells that the reply had it; a datastore that was never collected has zeros.
	Known          bool
	UPID           string
	IndexDataBytes Opt[int64]
	DiskBytes      Opt[int64]
	DiskChunks     Opt[int64]
	RemovedBytes   Opt[int64]
	PendingBytes   Opt[int64]
	RemovedBad     Opt[int64]
	StillBad       Opt[int64]
}

// DeduplicationFactor is how often each stored byte is used; unknown before the first garbage collection.
func (g GarbageCollection) DeduplicationFactor() Opt[float64] {
	if g.IndexDataBytes.Value <= 0 || g.DiskBytes.Value <= 0 {
		return Opt[float64]{}
	}
	return Some(float64(g.IndexDataBytes.Value) / float64(g.DiskBytes.Value))
}

// Datastore is a row of PBS "GET /admin/datastore".
type Datastore struct {
	Name    string
	Comment string
	// MaintenanceMode is "offline", "read-only", "delete", "unmount", "s3-refresh" or "" for none; MaintenanceMessage
	// is what the administrator wrote beside it.
	MaintenanceMode    string
	MaintenanceMessage string
	// MountStatus is "mounted", "notmounted", "nonremovable", or "" before 3.3.
	MountStatus string
	// Backend is "filesystem", "s3", or "" before 4.0.
	Backend string
}

// Namespace is a row of PBS "GET /admin/datastore/{store}/namespace".
type Namespace struct {
	// Path is "" for the root, "prod/site-b" below it.
	Path    string
	Comment string
}
