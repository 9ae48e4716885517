package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The types below are the state document as encoding/json would write it, without regard for speed. They are the
// measure for the rows that are encoded by hand.

type naiveDocument struct {
	Nodes      []naiveNode    `json:"nodes"`
	VMs        []naiveGuest   `json:"vms"`
	Containers []naiveGuest   `json:"containers"`
	Storage    []naiveStorage `json:"storage"`
	PBS        []naiveServer  `json:"pbs"`
	PBSBackups []string       `json:"pbsBackups"`
	Metrics    []string       `json:"metrics"`
	PVEBackups struct {
		Tasks     []string `json:"backupTasks"`
		Storage   []string `json:"storageBackups"`
		Snapshots []string `json:"guestSnapshots"`
	} `json:"pveBackups"`
	Performance struct {
		Calls   *int      `json:"apiCallDuration"`
		Last    float64   `json:"lastPollDuration"`
		Started time.Time `json:"pollingStartTime"`
		Total   int       `json:"totalApiCalls"`
		Failed  int       `json:"failedApiCalls"`
	} `json:"performance"`
	Health map[string]bool `json:"connectionHealth"`
	Stats  struct {
		Started time.Time `json:"startTime"`
		Uptime  int64     `json:"uptime"`
		Cycles  int64     `json:"pollingCycles"`
		Clients int       `json:"webSocketClients"`
		Version string    `json:"version"`
	} `json:"stats"`
	Alerts     []string      `json:"activeAlerts"`
	Resolved   []string      `json:"recentlyResolved"`
	LastUpdate time.Time     `json:"lastUpdate"`
	Targets    []naiveTarget `json:"targets"`
}

type naiveSpace struct {
	Total int64   `json:"total"`
	Used  int64   `json:"used"`
	Free  int64   `json:"free"`
	Usage float64 `json:"usage"`
}

type naiveFreshness struct {
	UID        string           `json:"uid"`
	Freshness  estate.Freshness `json:"freshness"`
	ObservedAt time.Time        `json:"observedAt,omitzero"`
}

type naiveNode struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Instance string     `json:"instance"`
	Status   string     `json:"status"`
	Type     string     `json:"type"`
	CPU      float64    `json:"cpu"`
	Memory   naiveSpace `json:"memory"`
	Disk     naiveSpace `json:"disk"`
	Uptime   int64      `json:"uptime"`
	Load     []float64  `json:"loadAverage"`
	Kernel   string     `json:"kernelVersion"`
	Version  string     `json:"pveVersion"`
	CPUInfo  struct {
		Model   string `json:"model"`
		Cores   int64  `json:"cores"`
		Sockets int64  `json:"sockets"`
		MHz     string `json:"mhz"`
	} `json:"cpuInfo"`
	Health string `json:"connectionHealth"`
	naiveFreshness
	HAState      string      `json:"haState,omitempty"`
	Subscription string      `json:"subscription,omitempty"`
	Address      string      `json:"address,omitempty"`
	Swap         *naiveSpace `json:"swap,omitempty"`
	IOWait       *float64    `json:"ioWait,omitempty"`
	DetailAt     time.Time   `json:"detailAt,omitzero"`
	Unknown      []string    `json:"unknown,omitempty"`
	LastSeen     time.Time   `json:"lastSeen"`
}

type naiveGuest struct {
	ID         string     `json:"id"`
	VMID       int        `json:"vmid"`
	Name       string     `json:"name"`
	Node       string     `json:"node"`
	Instance   string     `json:"instance"`
	Status     string     `json:"status"`
	Type       string     `json:"type"`
	CPU        float64    `json:"cpu"`
	CPUs       int64      `json:"cpus"`
	Memory     naiveSpace `json:"memory"`
	Disk       naiveSpace `json:"disk"`
	NetIn      int64      `json:"networkIn"`
	NetOut     int64      `json:"networkOut"`
	DiskRead   int64      `json:"diskRead"`
	DiskWrite  int64      `json:"diskWrite"`
	Uptime     int64      `json:"uptime"`
	Template   bool       `json:"template"`
	LastBackup time.Time  `json:"lastBackup"`
	Tags       []string   `json:"tags,omitempty"`
	Lock       string     `json:"lock,omitempty"`
	naiveFreshness
	MemorySource      string             `json:"memorySource,omitempty"`
	MemoryHost        *int64             `json:"memoryHost,omitempty"`
	DiskSource        string             `json:"diskSource,omitempty"`
	CPULimit          float64            `json:"cpuLimit,omitempty"`
	Pool              string             `json:"pool,omitempty"`
	HAState           string             `json:"haState,omitempty"`
	Balloon           *naiveBalloon      `json:"balloon,omitempty"`
	Filesystems       *[]naiveFilesystem `json:"filesystems,omitempty"`
	FilesystemsAt     *time.Time         `json:"filesystemsAt,omitempty"`
	FilesystemsReason string             `json:"filesystemsReason,omitempty"`
	Unknown           []string           `json:"unknown,omitempty"`
	LastSeen          time.Time          `json:"lastSeen"`
}

type naiveBalloon struct {
	At            time.Time         `json:"at"`
	Actual        estate.Opt[int64] `json:"actual,omitzero"`
	Max           estate.Opt[int64] `json:"max,omitzero"`
	Min           estate.Opt[int64] `json:"min,omitzero"`
	Total         estate.Opt[int64] `json:"total,omitzero"`
	Free          estate.Opt[int64] `json:"free,omitzero"`
	GuestReported time.Time         `json:"guestReported,omitzero"`
}

type naiveFilesystem struct {
	Mountpoint string            `json:"mountpoint"`
	Type       string            `json:"type,omitempty"`
	Device     string            `json:"device,omitempty"`
	Used       estate.Opt[int64] `json:"used,omitzero"`
	Total      estate.Opt[int64] `json:"total,omitzero"`
}

type naiveStorage struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Node     string `json:"node"`
	Instance string `json:"instance"`
	Type     string `json:"type"`
	Status   string `json:"status"`
	naiveSpace
	Content string `json:"content"`
	Shared  bool   `json:"shared"`
	Enabled bool   `json:"enabled"`
	Active  bool   `json:"active"`
	naiveFreshness
	OnNodes   []estate.StorageOnNode `json:"onNodes,omitempty"`
	Server    string                 `json:"server,omitempty"`
	Datastore string                 `json:"datastore,omitempty"`
	Namespace string                 `json:"namespace,omitempty"`
	Unknown   []string               `json:"unknown,omitempty"`
	LastSeen  time.Time              `json:"lastSeen"`
}

type naiveServer struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Host        string           `json:"host"`
	Status      string           `json:"status"`
	Version     string           `json:"version"`
	CPU         float64          `json:"cpu"`
	Memory      float64          `json:"memory"`
	MemoryUsed  int64            `json:"memoryUsed"`
	MemoryTotal int64            `json:"memoryTotal"`
	Uptime      int64            `json:"uptime"`
	Datastores  []naiveDatastore `json:"datastores"`
	BackupJobs  []string         `json:"backupJobs"`
	SyncJobs    []string         `json:"syncJobs"`
	VerifyJobs  []string         `json:"verifyJobs"`
	PruneJobs   []string         `json:"pruneJobs"`
	GarbageJobs []string         `json:"garbageJobs"`
	Health      string           `json:"connectionHealth"`
	naiveFreshness
	FullVersion string            `json:"fullVersion,omitempty"`
	Disk        *naiveSpace       `json:"disk,omitempty"`
	Load        []float64         `json:"loadAverage,omitempty"`
	Kernel      string            `json:"kernelVersion,omitempty"`
	CPUModel    string            `json:"cpuModel,omitempty"`
	CPUs        estate.Opt[int64] `json:"cpus,omitzero"`
	Error       string            `json:"error,omitempty"`
	Reason      estate.Reason     `json:"reason,omitempty"`
	Unknown     []string          `json:"unknown,omitempty"`
	LastSeen    time.Time         `json:"lastSeen"`
}

type naiveDatastore struct {
	Name string `json:"name"`
	naiveSpace
	Status     string           `json:"status"`
	Error      string           `json:"error,omitempty"`
	Namespaces []naiveNamespace `json:"namespaces,omitempty"`
	naiveFreshness
	Comment        string    `json:"comment,omitempty"`
	Maintenance    string    `json:"maintenance,omitempty"`
	MountStatus    string    `json:"mountStatus,omitempty"`
	EstimatedFull  time.Time `json:"estimatedFull,omitzero"`
	NamespacesNote string    `json:"namespacesNote,omitempty"`
	Unknown        []string  `json:"unknown,omitempty"`
}

type naiveNamespace struct {
	Path    string `json:"path"`
	Parent  string `json:"parent,omitempty"`
	Depth   int    `json:"depth"`
	Comment string `json:"comment,omitempty"`
}

type naiveTarget struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Type        string           `json:"type"`
	Status      ConnectionStatus `json:"status"`
	Error       string           `json:"error,omitempty"`
	Reason      estate.Reason    `json:"reason,omitempty"`
	LastSuccess time.Time        `json:"lastSuccess,omitzero"`
	FailedSince time.Time        `json:"failedSince,omitzero"`
	Unreachable []string         `json:"unreachable,omitempty"`
	Cluster     string           `json:"cluster,omitempty"`
	Version     string           `json:"version,omitempty"`
	Quorate     estate.Opt[bool] `json:"quorate,omitzero"`
}
