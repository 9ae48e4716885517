package wire

import (
	"strconv"
	"time"
)

// Snapshot is everything observed at one revision. It is immutable and safe for concurrent use.
type Snapshot struct {
	// Revision grows with every change, by at least one, within one process.
	Revision uint64
	// StatusRevision grows only when a word changed: a guest started, a node went offline, a resource appeared,
	// vanished, moved or was renamed, a reading became stale, a target connected. Numbers alone leave it. It is the
	// Revision at which that happened last.
	StatusRevision uint64
	// At is when the snapshot was published.
	At time.Time

	stats    Stats
	holdings []*holding // in the order of compareHoldings
	order    *order
	packer   *packer
	process  string

	state, storageList *Document
}

// prepare makes the documents that are kept, without their content.
func (s *Snapshot) prepare() {
	s.state = s.document(s.assembleState)
	s.storageList = s.document(func() []byte { return s.assembleStorages(s.order.storages) })
}

func (s *Snapshot) document(assemble func() []byte) *Document {
	return &Document{
		assemble: assemble,
		packer:   s.packer,
		etag:     `"` + s.process + "-" + strconv.FormatUint(s.Revision, 36) + `"`,
	}
}

// State is the document of GET /api/state, and the data of the stream messages initialState and rawData. Its
// content is assembled once.
func (s *Snapshot) State() *Document { return s.state }

// StorageList is the document with every storage: {"data": [storage], "timestamp": unix seconds}.
func (s *Snapshot) StorageList() *Document { return s.storageList }

// Storage is the document {"data": …, "timestamp": unix seconds} of one storage, by its id or uid, or with a list of
// storages: those of a node, by its id or uid, shared storages that are active there among them; all those of a PVE
// target, by its id; or those of a node, by its name alone where only one target has a node of that name. Where an id
// could mean several of these, the first in this order is meant. It is false when there is no such storage, node or
// target, and for a PBS target, which has datastores.
func (s *Snapshot) Storage(id string) (*Document, bool) {
	if at, ok := s.order.storagePlaces[id]; ok {
		return s.document(func() []byte { return s.assembleStorage(at) }), true
	}
	if at, ok := s.findNode(id); ok {
		return s.nodeStorages(at), true
	}
	if h, ok := s.findCluster(id); ok {
		return s.document(func() []byte { return s.assembleStorages(s.storagesOf(h)) }), true
	}
	if at, ok := s.findNodeNamed(id); ok {
		return s.nodeStorages(at), true
	}
	return nil, false
}

func (s *Snapshot) nodeStorages(node place) *Document {
	return s.document(func() []byte { return s.assembleStorages(s.storagesOn(node)) })
}

// storagesOn returns the storages of a node in the order of the list.
func (s *Snapshot) storagesOn(node place) []place {
	obs := s.holdings[node.holding].obs
	name := obs.Nodes[node.index].Name
	var on []place
	for i := range obs.Storages {
		if activeOn(&obs.Storages[i], name) {
			on = append(on, place{node.holding, i})
		}
	}
	return on
}

// storagesOf returns the storages of a target in the order of the list.
func (s *Snapshot) storagesOf(h int) []place {
	all := make([]place, len(s.holdings[h].obs.Storages))
	for i := range all {
		all[i] = place{h, i}
	}
	return all
}
