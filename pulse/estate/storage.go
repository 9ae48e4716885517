package estate

// The words PVE uses for a storage's status in /cluster/resources.
const (
	StorageAvailable = "available"
	StorageUnknown   = "unknown"
)

// Storage is a storage entry of PVE. A shared one is listed once for the cluster, with its state on each
// node beside it; any other belongs to one node.
type Storage struct {
	Name    string   `json:"name"`
	Node    string   `json:"node,omitempty"` // empty when shared
	Type    string   `json:"type"`           // PVE's plug-in: dir, lvmthin, zfspool, nfs, pbs, …
	Content []string `json:"content,omitempty"`
	Shared  bool     `json:"shared,omitempty"`
	Enabled bool     `json:"enabled"`
	// Active is whether the storage answers on its node, or on any node when shared.
	Active bool `json:"active"`

	UsedBytes  Opt[int64]      `json:"used,omitzero"`
	TotalBytes Opt[int64]      `json:"total,omitzero"`
	OnNodes    []StorageOnNode `json:"onNodes,omitempty"` // sorted by node; only for a shared storage

	// Where a PBS storage leads.
	Server    string `json:"server,omitempty"`
	Datastore string `json:"datastore,omitempty"`
	Namespace string `json:"namespace,omitempty"`

	Seen Seen `json:"seen"`
}

// Key returns the storage's identity within a target.
func (s *Storage) Key(target TargetID) StorageKey {
	return StorageKey{Target: target, Node: s.Node, Name: s.Name}
}

// StorageOnNode is how one node sees a shared storage.
type StorageOnNode struct {
	Node   string `json:"node"`
	Active bool   `json:"active"`
}
