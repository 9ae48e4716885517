package sim

// Role names what a credential of the simulated servers may do.
type Role string

// The credentials that each cluster and backup server has.
const (
	// Admin may do everything (root@pam; on PBS the role Admin at /).
	Admin Role = "admin"
	// Auditor has PVEAuditor at / (on PBS Audit at /): what a monitor needs. It
	// sees no backups on PVE storages.
	Auditor Role = "auditor"
	// BackupReader is an auditor with Datastore.Allocate at /storage, so that it
	// sees backups; on PBS it has DatastoreAudit on the datastores only.
	BackupReader Role = "backup-reader"
	// Limited has VM.Audit on the cluster's first guest only; on PBS it has
	// DatastoreAudit on the last datastore only.
	Limited Role = "limited"
	// NoRights is a valid, privilege separated token without any right.
	NoRights Role = "no-rights"
)

// Credential is one way to log in to a simulated server. The values are secrets
// of the simulation only.
type Credential struct {
	Role Role `json:"role"`
	// User is the user with its realm, such as "monitor@pve".
	User string `json:"user"`
	// Password logs User in; empty where only the token exists.
	Password string `json:"password,omitempty"`
	// TokenID is the full id, such as "monitor@pve!pulse".
	TokenID string `json:"tokenId"`
	// TokenSecret is the token's UUID.
	TokenSecret string `json:"tokenSecret"`
}

// NodeInfo is one member of a cluster as a client reaches it.
type NodeInfo struct {
	Name string `json:"name"`
	// URL is "https://address:port" without a path.
	URL string `json:"url"`
	// Address is the member's IP, as /cluster/status tells it.
	Address string `json:"address"`
	Port    int    `json:"port"`
	// Fingerprint is the SHA-256 of the certificate served now, colon hex.
	Fingerprint string `json:"fingerprint"`
}

// ClusterInfo is one PVE cluster, or a standalone host.
type ClusterInfo struct {
	// Name is the cluster's name; of a standalone host, the node's.
	Name       string `json:"name"`
	Standalone bool   `json:"standalone"`
	// Nodes are the members in order of their node id; never empty.
	Nodes []NodeInfo `json:"nodes"`
	// CA is the PEM of the cluster's certificate authority.
	CA string `json:"ca"`
	// Credentials has one entry per [Role].
	Credentials map[Role]Credential `json:"credentials"`
}

// URL is the address of the first member.
func (c ClusterInfo) URL() string { return c.Nodes[0].URL }

// BackupServerInfo is one PBS.
type BackupServerInfo struct {
	Name        string              `json:"name"`
	URL         string              `json:"url"`
	Address     string              `json:"address"`
	Port        int                 `json:"port"`
	Fingerprint string              `json:"fingerprint"`
	Datastores  []string            `json:"datastores"`
	Credentials map[Role]Credential `json:"credentials"`
}

// Guest is a VM or container, to create one or to look at the live truth that
// the simulated API reports sooner or later.
type Guest struct {
	VMID int `json:"vmid"`
	// Type is "qemu" or "lxc".
	Type string `json:"type"`
	Name string `json:"name"`
	Node string `json:"node"`
	// Status is the live state: "running", "stopped", "paused" and so on.
	Status   string `json:"status"`
	Template bool   `json:"template,omitempty"`
	// Tags are separated by semicolons.
	Tags string `json:"tags,omitempty"`
	Pool string `json:"pool,omitempty"`
	Lock string `json:"lock,omitempty"`
	// CPUs may be fractional for a container with a CPU limit.
	CPUs        float64 `json:"cpus,omitempty"`
	MemoryBytes int64   `json:"memoryBytes,omitempty"`
	DiskBytes   int64   `json:"diskBytes,omitempty"`
	// Agent tells that a VM runs the guest agent.
	Agent bool `json:"agent,omitempty"`
}
