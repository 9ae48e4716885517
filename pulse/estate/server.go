package estate

import "time"

// Server is a Proxmox Backup Server.
type Server struct {
	Version string `json:"version,omitempty"` // as 3.4.1

	CPUFraction    Opt[float64] `json:"cpu,omitzero"`
	MemUsedBytes   Opt[int64]   `json:"memUsed,omitzero"`
	MemTotalBytes  Opt[int64]   `json:"memTotal,omitzero"`
	DiskUsedBytes  Opt[int64]   `json:"diskUsed,omitzero"` // root file system
	DiskTotalBytes Opt[int64]   `json:"diskTotal,omitzero"`
	UptimeSeconds  Opt[int64]   `json:"uptime,omitzero"`
	LoadAverage    []float64    `json:"loadAverage,omitempty"`
	KernelVersion  string       `json:"kernelVersion,omitempty"`
	CPUModel       string       `json:"cpuModel,omitempty"`
	CPUs           Opt[int64]   `json:"cpus,omitzero"`

	Datastores []Datastore `json:"datastores,omitempty"` // sorted by name
	Seen       Seen        `json:"seen"`
}

// Datastore is one datastore of a Proxmox Backup Server.
type Datastore struct {
	Name        string `json:"name"`
	Comment     string `json:"comment,omitempty"`
	Maintenance string `json:"maintenance,omitempty"` // as offline or read-only, with its message; empty in normal use
	MountStatus string `json:"mountStatus,omitempty"` // mounted, notmounted, nonremovable; absent before 3.3
	Error       string `json:"error,omitempty"`       // why its numbers could not be read

	UsedBytes      Opt[int64] `json:"used,omitzero"`
	TotalBytes     Opt[int64] `json:"total,omitzero"`
	AvailableBytes Opt[int64] `json:"available,omitzero"`
	// EstimatedFull is when the server expects the datastore to be full; zero when it is not filling up.
	EstimatedFull time.Time `json:"estimatedFull,omitzero"`

	Namespaces     []Namespace `json:"namespaces,omitempty"`     // the root first, then by path; empty until read
	NamespacesNote string      `json:"namespacesNote,omitempty"` // why they could not be read
	Seen           Seen        `json:"seen"`
}

// Namespace is a namespace of a datastore; the root has an empty path.
type Namespace struct {
	Path    string `json:"path"`
	Comment string `json:"comment,omitempty"`
}
