package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The types below describe the state document, which package wire writes; nothing is encoded from them.

// State is everything that is observed.
type State struct {
	Nodes            []Node          `json:"nodes" nullable:"false" doc:"The nodes of all PVE targets, by name."`
	VMs              []Guest         `json:"vms" nullable:"false" doc:"The VMs, by VMID."`
	Containers       []Guest         `json:"containers" nullable:"false" doc:"The containers, by VMID."`
	Storage          []Storage       `json:"storage" nullable:"false" doc:"The storages, by instance and name."`
	PBS              []BackupServer  `json:"pbs" nullable:"false" doc:"The backup servers."`
	PBSBackups       []Unfilled      `json:"pbsBackups" nullable:"false" doc:"Always empty in this version."`
	Metrics          []Unfilled      `json:"metrics" nullable:"false" doc:"Always empty; older clients expect it."`
	PVEBackups       PVEBackups      `json:"pveBackups" doc:"What PVE knows of backups."`
	Performance      Performance     `json:"performance" doc:"How long readings take."`
	ConnectionHealth map[string]bool `json:"connectionHealth" doc:"Whether each target is reached, under its name; a backup server's begins with pbs-."`
	Stats            Stats           `json:"stats" doc:"Pulse itself."`
	ActiveAlerts     []Unfilled      `json:"activeAlerts" nullable:"false" doc:"Always empty in this version."`
	RecentlyResolved []Unfilled      `json:"recentlyResolved" nullable:"false" doc:"Always empty in this version."`
	LastUpdate       time.Time       `json:"lastUpdate" doc:"When any of it last changed."`
	Targets          []Target        `json:"targets" nullable:"false" doc:"How Pulse gets on with each target."`
}

// Unfilled is an entry of a list that this version leaves empty.
type Unfilled struct {
	_ struct{} `additionalProperties:"true"`
}

// PVEBackups is what PVE knows of backups.
type PVEBackups struct {
	BackupTasks    []Unfilled `json:"backupTasks" nullable:"false" doc:"Always empty in this version."`
	StorageBackups []Unfilled `json:"storageBackups" nullable:"false" doc:"Always empty in this version."`
	GuestSnapshots []Unfilled `json:"guestSnapshots" nullable:"false" doc:"Always empty in this version."`
}

// Performance tells how long readings take.
type Performance struct {
	APICallDuration  *float64  `json:"apiCallDuration" nullable:"true" doc:"Always null; older clients expect it."`
	LastPollDuration float64   `json:"lastPollDuration" doc:"Seconds that the latest reading of a target took." example:"0.12"`
	PollingStartTime time.Time `json:"pollingStartTime" doc:"Always the year 1; older clients expect it."`
	TotalAPICalls    int64     `json:"totalApiCalls" doc:"Requests made to targets since Pulse started." example:"4210"`
	FailedAPICalls   int64     `json:"failedApiCalls" doc:"Those of them that failed."`
}

// Stats is what Pulse tells of itself.
type Stats struct {
	StartTime        time.Time `json:"startTime" doc:"When Pulse started."`
	Uptime           int64     `json:"uptime" doc:"Seconds since then." example:"3600"`
	PollingCycles    int64     `json:"pollingCycles" doc:"Full readings of targets since then." example:"360"`
	WebSocketClients int64     `json:"webSocketClients" doc:"Clients that follow a stream." example:"2"`
	Version          string    `json:"version" doc:"The release." example:"v5.0.0"`
}

// Space is an amount of memory or disk.
type Space struct {
	Total int64   `json:"total" doc:"Bytes in all." example:"34359738368"`
	Used  int64   `json:"used" doc:"Bytes in use." example:"12884901888"`
	Free  int64   `json:"free" doc:"Bytes free; with a reserve that only the system may use, less than the difference." example:"21474836480"`
	Usage float64 `json:"usage" doc:"Percent in use." example:"37.5"`
}

// Reading tells how old a resource's values are, and which are not known.
type Reading struct {
	UID        string     `json:"uid" doc:"An id that survives renaming, and of a guest migration." example:"pve-0/guest/100/0"`
	Freshness  Freshness  `json:"freshness" doc:"Whether the values speak of the present."`
	ObservedAt *time.Time `json:"observedAt,omitempty" doc:"When the values were true, unless they are live."`
	Unknown    []string   `json:"unknown,omitempty" nullable:"false" doc:"The fields whose number is only a stand-in." example:"[\"memory\"]"`
}

// Freshness tells whether values speak of the present.
type Freshness string

// Schema describes it once for all resources.
func (Freshness) Schema(r huma.Registry) *huma.Schema {
	return named(r, "Freshness", &huma.Schema{
		Type: huma.TypeString, Enum: []any{"live", "stale", "unknown"},
		Description: "Live: the values speak of the present. Stale: they are the last reading, too old to be called " +
			"live. Unknown: they are so old that only the past is known.",
	})
}

// Node is a host of a PVE target.
type Node struct {
	ID               string    `json:"id" doc:"Its id." example:"pve1-pve1"`
	Name             string    `json:"name" doc:"Its name." example:"pve1"`
	Instance         string    `json:"instance" doc:"The name of its target." example:"pve1"`
	Status           string    `json:"status" doc:"As PVE says: online, offline or unknown." example:"online"`
	Type             string    `json:"type" enum:"node" doc:"Always node."`
	CPU              float64   `json:"cpu" doc:"Share of all cores in use, 0 to 1." example:"0.1875"`
	Memory           Space     `json:"memory" doc:"Its memory."`
	Disk             Space     `json:"disk" doc:"Its root file system."`
	Uptime           int64     `json:"uptime" doc:"Seconds since it started." example:"864153"`
	LoadAverage      []float64 `json:"loadAverage" nullable:"false" doc:"Over 1, 5 and 15 minutes; empty while unknown." example:"[0.52, 0.48, 0.41]"`
	KernelVersion    string    `json:"kernelVersion" doc:"Its kernel; empty while unknown." example:"Linux 6.8.12-10-pve"`
	PVEVersion       string    `json:"pveVersion" doc:"Its PVE; empty while unknown." example:"pve-manager/8.4.1/2a5fa54a8503f96d"`
	CPUInfo          CPUInfo   `json:"cpuInfo" doc:"Its processors."`
	ConnectionHealth string    `json:"connectionHealth" enum:"healthy,error,offline,stale,unreachable" doc:"Whether its numbers can be believed: error, its target is not reached; stale, it has not reported for a while; unreachable, it did not answer Pulse."`
	Reading
	HAState      string     `json:"haState,omitempty" doc:"Its state in high availability." example:"online"`
	Subscription string     `json:"subscription,omitempty" doc:"Its subscription level: c, b, s or p." example:"c"`
	Address      string     `json:"address,omitempty" doc:"Its address inside the cluster." example:"192.168.1.100"`
	Swap         *Space     `json:"swap,omitempty" doc:"Its swap."`
	IOWait       *float64   `json:"ioWait,omitempty" doc:"Share of the time that waits for disks, 0 to 1." example:"0.01"`
	DetailAt     *time.Time `json:"detailAt,omitempty" doc:"When loadAverage, versions, cpuInfo, swap and ioWait were read."`
	LastSeen     time.Time  `json:"lastSeen" doc:"When it was last read about."`
}

// CPUInfo describes a node's processors.
type CPUInfo struct {
	Model   string `json:"model" doc:"The model; empty while unknown." example:"Intel(R) Xeon(R) E-2236 CPU @ 3.40GHz"`
	Cores   int64  `json:"cores" doc:"Logical processors." example:"8"`
	Sockets int64  `json:"sockets" doc:"Sockets." example:"1"`
	MHz     string `json:"mhz" doc:"The clock; empty while unknown." example:"3400.000"`
}

// Guest is a VM or a container.
type Guest struct {
	ID         string    `json:"id" doc:"Its id, which names the node it is on." example:"pve1-pve1-100"`
	VMID       int64     `json:"vmid" doc:"Its number." example:"100"`
	Name       string    `json:"name" doc:"Its name." example:"web01"`
	Node       string    `json:"node" doc:"The node it is on." example:"pve1"`
	Instance   string    `json:"instance" doc:"The name of its target." example:"pve1"`
	Status     string    `json:"status" doc:"As PVE says: running, stopped, paused, suspended or another word; unknown when too old." example:"running"`
	Type       string    `json:"type" enum:"qemu,lxc" doc:"A VM (qemu) or a container (lxc)."`
	CPU        float64   `json:"cpu" doc:"Share of its CPUs in use; may exceed 1." example:"0.0421"`
	CPUs       int64     `json:"cpus" doc:"Its CPUs, at least 1 for a fraction." example:"4"`
	Memory     Space     `json:"memory" doc:"Its memory; memorySource tells what used means."`
	Disk       Space     `json:"disk" doc:"Its disk; diskSource tells where used comes from."`
	NetworkIn  int64     `json:"networkIn" doc:"Bytes per second towards it; -1 while there is no rate." example:"20475"`
	NetworkOut int64     `json:"networkOut" doc:"Bytes per second from it; -1 while there is no rate." example:"10237"`
	DiskRead   int64     `json:"diskRead" doc:"Bytes per second; -1 while there is no rate." example:"4095"`
	DiskWrite  int64     `json:"diskWrite" doc:"Bytes per second; -1 while there is no rate." example:"8190"`
	Uptime     int64     `json:"uptime" doc:"Seconds since it started." example:"3753"`
	Template   bool      `json:"template" doc:"Whether it is a template." example:"false"`
	LastBackup time.Time `json:"lastBackup" doc:"Always the year 1 in this version."`
	Tags       []string  `json:"tags,omitempty" nullable:"false" doc:"Its tags; absent without any." example:"[\"prod\", \"web\"]"`
	Lock       string    `json:"lock,omitempty" doc:"What holds it, as backup, migrate or snapshot." example:"backup"`
	Reading
	MemorySource      string           `json:"memorySource,omitempty" enum:"guest-with-cache,host,cgroup,unknown" doc:"What used memory means: as the guest tells, with its page cache; the host's view of a VM, which may exceed its memory; a container's own without page cache."`
	MemoryHost        *int64           `json:"memoryHost,omitempty" doc:"Bytes of memory by the host's view, where PVE tells it beside the guest's." example:"4294967296"`
	DiskSource        string           `json:"diskSource,omitempty" enum:"rootfs,agent" doc:"Where used disk comes from: a container's root file system, or the guest agent."`
	CPULimit          *float64         `json:"cpuLimit,omitempty" doc:"The CPUs, where they are a fraction." example:"1.5"`
	Pool              string           `json:"pool,omitempty" doc:"Its pool." example:"prod"`
	HAState           string           `json:"haState,omitempty" doc:"Its state in high availability." example:"started"`
	Balloon           *Balloon         `json:"balloon,omitempty" doc:"A VM's memory as its balloon device tells."`
	Filesystems       []FilesystemInfo `json:"filesystems,omitempty" nullable:"false" doc:"The file systems inside a VM, as its agent tells."`
	FilesystemsAt     *time.Time       `json:"filesystemsAt,omitempty" doc:"When the agent was asked."`
	FilesystemsReason string           `json:"filesystemsReason,omitempty" doc:"Why there are none." example:"the guest agent is not running"`
	LastSeen          time.Time        `json:"lastSeen" doc:"When it was last read about."`
}

// Balloon is a VM's memory as its balloon device tells.
type Balloon struct {
	At            time.Time  `json:"at" doc:"When it was read."`
	Actual        *int64     `json:"actual,omitempty" doc:"Bytes assigned now." example:"4294967296"`
	Max           *int64     `json:"max,omitempty" doc:"Bytes at most." example:"8589934592"`
	Min           *int64     `json:"min,omitempty" doc:"Bytes that the host may reclaim down to." example:"2147483648"`
	Total         *int64     `json:"total,omitempty" doc:"Bytes that the guest sees." example:"4294967296"`
	Free          *int64     `json:"free,omitempty" doc:"Bytes that the guest has free." example:"1073741824"`
	GuestReported *time.Time `json:"guestReported,omitempty" doc:"When the driver in the guest last answered."`
}

// FilesystemInfo is a file system inside a VM.
type FilesystemInfo struct {
	Mountpoint string `json:"mountpoint" doc:"Where it is mounted." example:"/"`
	Type       string `json:"type,omitempty" doc:"Its type." example:"ext4"`
	Device     string `json:"device,omitempty" doc:"Its device." example:"/dev/sda1"`
	Used       *int64 `json:"used,omitempty" doc:"Bytes in use." example:"4294967296"`
	Total      *int64 `json:"total,omitempty" doc:"Bytes in all." example:"34359738368"`
}

// Storage is a storage of a PVE target. A shared one is listed once.
type Storage struct {
	ID       string  `json:"id" doc:"Its id." example:"pve1-pve1-local-lvm"`
	Name     string  `json:"name" doc:"Its name." example:"local-lvm"`
	Node     string  `json:"node" doc:"The node it is on, or shared." example:"pve1"`
	Instance string  `json:"instance" doc:"The name of its target." example:"pve1"`
	Type     string  `json:"type" doc:"PVE's plug-in." example:"lvmthin"`
	Status   string  `json:"status" enum:"available,inactive,disabled,unknown" doc:"Whether it can be used."`
	Total    int64   `json:"total" doc:"Bytes in all." example:"858993459200"`
	Used     int64   `json:"used" doc:"Bytes in use." example:"751619276800"`
	Free     int64   `json:"free" doc:"Bytes free." example:"107374182400"`
	Usage    float64 `json:"usage" doc:"Percent in use." example:"87.5"`
	Content  string  `json:"content" doc:"What it may hold, separated by commas." example:"images,rootdir"`
	Shared   bool    `json:"shared" doc:"Whether all nodes share it." example:"false"`
	Enabled  bool    `json:"enabled" doc:"Whether it is switched on." example:"true"`
	Active   bool    `json:"active" doc:"Whether it answers; of a shared one, on any node." example:"true"`
	Reading
	OnNodes   []StorageOnNode `json:"onNodes,omitempty" nullable:"false" doc:"How each node sees a shared one."`
	Server    string          `json:"server,omitempty" doc:"Where a backup server's storage leads." example:"pbs.example.com"`
	Datastore string          `json:"datastore,omitempty" doc:"The datastore there." example:"main"`
	Namespace string          `json:"namespace,omitempty" doc:"The namespace there." example:"prod"`
	LastSeen  time.Time       `json:"lastSeen" doc:"When it was last read about."`
}

// StorageOnNode is how a node sees a shared storage.
type StorageOnNode struct {
	Node   string `json:"node" doc:"The node." example:"pve1"`
	Active bool   `json:"active" doc:"Whether it answers there." example:"true"`
}
