package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Snapshot is everything observed at one revision. It is immutable and safe for concurrent use.
type Snapshot struct {
	// Revision grows with every change, by at least one, within one process.
	Revision uint64
	// StatusRevision grows only when a word changed: a guest started, a node went offline, a resource appeared,
	// vanished, moved or was renamed, a reading became stale, a target connected. Numbers alone leave it.
	StatusRevision uint64
	// At is when the snapshot was published.
	At time.Time
}

// State is the document of GET /api/state, and the data of the stream messages initialState and rawData. Its
// content is assembled once.
func (s *Snapshot) State() *Document { return &Document{} }

// StorageList is the document with every storage: {"data": [storage], "timestamp": unix seconds}.
func (s *Snapshot) StorageList() *Document { return &Document{} }

// Storage is the document {"data": …, "timestamp": unix seconds} of one storage, by its id or uid, or with the list
// of one node's storages, by the node's id or uid; shared storages that are active on the node are among them. It is
// false when there is no such storage or node.
func (s *Snapshot) Storage(id string) (*Document, bool) { return nil, false }

// Kind says what a [Resource] is.
type Kind string

// The kinds of resources.
const (
	KindNode      Kind = "node"
	KindGuest     Kind = "guest" // a VM or a container
	KindStorage   Kind = "storage"
	KindServer    Kind = "pbs" // a Proxmox Backup Server
	KindDatastore Kind = "datastore"
)

// Resource is what an id stands for.
type Resource struct {
	Kind   Kind
	UID    string // stable: survives migration and renaming
	ID     string // the older form, as it is now; empty for a datastore
	Name   string
	Target estate.TargetID
}

// Find resolves an id or uid. A guest's id names the node it was on, so it is resolved by its slug and VMID wherever
// the guest is now.
func (s *Snapshot) Find(id string) (Resource, bool) { return Resource{}, false }
