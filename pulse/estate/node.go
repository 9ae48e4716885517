package estate

import "time"

// The words PVE uses for a node's status, in /nodes and /cluster/resources.
const (
	NodeOnline  = "online"
	NodeOffline = "offline" // the cluster's member list says so
	NodeUnknown = "unknown" // pvestatd has not reported for five minutes, though the node may be up
)

// Node is one host of a cluster. Its numbers come from /cluster/resources, except those of [NodeDetail].
type Node struct {
	Name    string `json:"name"`
	Status  string `json:"status"`            // as PVE says: online, offline or unknown
	HAState string `json:"haState,omitempty"` // as online, maintenance, fence; empty while HA has never run
	Level   string `json:"level,omitempty"`   // subscription level: c, b, s, p or empty
	Address string `json:"address,omitempty"` // from /cluster/status; may not be reachable from here

	CPUFraction   Opt[float64] `json:"cpu,omitzero"` // share of all cores, 0 to 1
	CPUs          Opt[float64] `json:"cpus,omitzero"`
	MemUsedBytes  Opt[int64]   `json:"memUsed,omitzero"` // without page cache, with the ZFS ARC
	MemTotalBytes Opt[int64]   `json:"memTotal,omitzero"`
	// Root file system.
	DiskUsedBytes  Opt[int64] `json:"diskUsed,omitzero"`
	DiskTotalBytes Opt[int64] `json:"diskTotal,omitzero"`
	UptimeSeconds  Opt[int64] `json:"uptime,omitzero"`

	Seen   Seen        `json:"seen"`
	Detail *NodeDetail `json:"detail,omitempty"` // nil until /nodes/{node}/status answered once
}

// NodeDetail is what only /nodes/{node}/status tells. It is read in rotation, so it carries its own age.
type NodeDetail struct {
	At             time.Time    `json:"at"`
	LoadAverage    []float64    `json:"loadAverage,omitempty"` // over 1, 5 and 15 minutes
	KernelVersion  string       `json:"kernelVersion,omitempty"`
	PVEVersion     string       `json:"pveVersion,omitempty"` // as pve-manager/9.2.11/…
	CPUModel       string       `json:"cpuModel,omitempty"`
	CPUSockets     Opt[int64]   `json:"cpuSockets,omitzero"`
	CPUCores       Opt[int64]   `json:"cpuCores,omitzero"` // logical processors
	CPUMHz         string       `json:"cpuMHz,omitempty"`
	IOWaitFraction Opt[float64] `json:"ioWait,omitzero"`
	SwapUsedBytes  Opt[int64]   `json:"swapUsed,omitzero"`
	SwapTotalBytes Opt[int64]   `json:"swapTotal,omitzero"`
	// RootAvailBytes is smaller than total − used where the file system keeps a reserve.
	RootAvailBytes Opt[int64] `json:"rootAvail,omitzero"`
}
