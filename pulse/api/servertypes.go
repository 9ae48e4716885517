package api

import "time"

// BackupServer is a Proxmox Backup Server, in the state document.
type BackupServer struct {
	ID               string      `json:"id" doc:"Its id." example:"pbs-pbs1"`
	Name             string      `json:"name" doc:"The name of its target." example:"pbs1"`
	Host             string      `json:"host" doc:"Its address." example:"https://192.168.1.110:8007"`
	Status           string      `json:"status" enum:"online,offline,unknown" doc:"Whether it is reached."`
	Version          string      `json:"version" doc:"Its version, or unknown." example:"3.4"`
	CPU              float64     `json:"cpu" doc:"Share of all cores in use, 0 to 1." example:"0.05"`
	Memory           float64     `json:"memory" doc:"Percent of memory in use." example:"37.5"`
	MemoryUsed       int64       `json:"memoryUsed" doc:"Bytes of memory in use." example:"3221225472"`
	MemoryTotal      int64       `json:"memoryTotal" doc:"Bytes of memory." example:"8589934592"`
	Uptime           int64       `json:"uptime" doc:"Seconds since it started." example:"864153"`
	Datastores       []Datastore `json:"datastores" nullable:"false" doc:"Its datastores, by name."`
	BackupJobs       []Unfilled  `json:"backupJobs" nullable:"false" doc:"Always empty in this version."`
	SyncJobs         []Unfilled  `json:"syncJobs" nullable:"false" doc:"Always empty in this version."`
	VerifyJobs       []Unfilled  `json:"verifyJobs" nullable:"false" doc:"Always empty in this version."`
	PruneJobs        []Unfilled  `json:"pruneJobs" nullable:"false" doc:"Always empty in this version."`
	GarbageJobs      []Unfilled  `json:"garbageJobs" nullable:"false" doc:"Always empty in this version."`
	ConnectionHealth string      `json:"connectionHealth" enum:"healthy,unhealthy,stale" doc:"Whether its numbers can be believed."`
	Reading
	FullVersion   string    `json:"fullVersion,omitempty" doc:"Its version in full." example:"3.4.1"`
	Disk          *Space    `json:"disk,omitempty" doc:"Its root file system."`
	LoadAverage   []float64 `json:"loadAverage,omitempty" nullable:"false" doc:"Over 1, 5 and 15 minutes." example:"[0.52, 0.48, 0.41]"`
	KernelVersion string    `json:"kernelVersion,omitempty" doc:"Its kernel." example:"Linux 6.8.12-10-pve"`
	CPUModel      string    `json:"cpuModel,omitempty" doc:"Its processors." example:"Intel(R) Xeon(R) E-2236 CPU @ 3.40GHz"`
	CPUs          *int64    `json:"cpus,omitempty" doc:"Logical processors." example:"8"`
	Error         string    `json:"error,omitempty" doc:"Why it is not reached, or not read in full." example:"connection refused"`
	Reason        string    `json:"reason,omitempty" doc:"Why the latest reading failed, as one word." example:"unreachable"`
	LastSeen      time.Time `json:"lastSeen" doc:"When it was last read about."`
}

// Datastore is a datastore of a backup server.
type Datastore struct {
	Name       string          `json:"name" doc:"Its name." example:"main"`
	Total      int64           `json:"total" doc:"Bytes in all." example:"4294967296000"`
	Used       int64           `json:"used" doc:"Bytes in use." example:"1073741824000"`
	Free       int64           `json:"free" doc:"Bytes free." example:"3221225472000"`
	Usage      float64         `json:"usage" doc:"Percent in use." example:"25"`
	Status     string          `json:"status" enum:"available,maintenance,unavailable,error,unknown" doc:"Whether it can be used."`
	Error      string          `json:"error,omitempty" doc:"Why its numbers could not be read."`
	Namespaces []NamespaceInfo `json:"namespaces,omitempty" nullable:"false" doc:"Its namespaces, the root first."`
	Reading
	Comment        string     `json:"comment,omitempty" doc:"Its comment." example:"nightly"`
	Maintenance    string     `json:"maintenance,omitempty" doc:"Its maintenance mode." example:"read-only"`
	MountStatus    string     `json:"mountStatus,omitempty" doc:"Whether a removable one is mounted." example:"mounted"`
	EstimatedFull  *time.Time `json:"estimatedFull,omitempty" doc:"When the server expects it to be full."`
	NamespacesNote string     `json:"namespacesNote,omitempty" doc:"Why its namespaces could not be read."`
}

// NamespaceInfo is a namespace of a datastore.
type NamespaceInfo struct {
	Path    string `json:"path" doc:"Its path; empty for the root." example:"prod/web"`
	Parent  string `json:"parent,omitempty" doc:"The path above." example:"prod"`
	Depth   int64  `json:"depth" doc:"The slashes in its path." example:"1"`
	Comment string `json:"comment,omitempty" doc:"Its comment."`
}

// Target is how Pulse gets on with a target, in the state document.
type Target struct {
	ID          string     `json:"id" doc:"Its id, as in the list of nodes." example:"pve-0"`
	Name        string     `json:"name" doc:"Its name; the instance of what it holds." example:"pve1"`
	Type        string     `json:"type" enum:"pve,pbs" doc:"What runs there."`
	Status      string     `json:"status" enum:"pending,connected,degraded,disconnected" doc:"How well it is reached; pending before it was tried."`
	Error       string     `json:"error,omitempty" doc:"Why not better, as one sentence." example:"no answer from pve2"`
	Reason      string     `json:"reason,omitempty" doc:"Why the latest reading failed, as one word." example:"unreachable"`
	LastSuccess *time.Time `json:"lastSuccess,omitempty" doc:"When it was last read."`
	FailedSince *time.Time `json:"failedSince,omitempty" doc:"Since when readings fail."`
	Unreachable []string   `json:"unreachable,omitempty" nullable:"false" doc:"The members that did not answer." example:"[\"pve2\"]"`
	Cluster     string     `json:"cluster,omitempty" doc:"The cluster's name." example:"prod"`
	Version     string     `json:"version,omitempty" doc:"The version of PVE." example:"9.2.11"`
	Quorate     *bool      `json:"quorate,omitempty" doc:"Whether the cluster has a majority." example:"true"`
}
