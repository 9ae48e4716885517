package estate

import (
	"strconv"
	"strings"
)

// TargetKind says which Proxmox product a target runs.
type TargetKind string

// The kinds of targets.
const (
	PVE TargetKind = "pve" // a Proxmox VE cluster or single host
	PBS TargetKind = "pbs" // a Proxmox Backup Server
)

// TargetID names a configured target for its whole life, as "pve-0" or "pbs-3". The number is counted per
// kind and never given again after a target was removed.
type TargetID string

// Kind returns the kind that the id begins with.
func (id TargetID) Kind() TargetKind {
	kind, _, _ := strings.Cut(string(id), "-")
	return TargetKind(kind)
}

// Number returns the count behind the kind, or -1 when the id has none or writes it in another way than
// [NewTargetID] does.
func (id TargetID) Number() int {
	kind, digits, _ := strings.Cut(string(id), "-")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || id != NewTargetID(TargetKind(kind), n) {
		return -1
	}
	return n
}

// NewTargetID returns the id of the n-th target of a kind.
func NewTargetID(kind TargetKind, n int) TargetID {
	return TargetID(string(kind) + "-" + strconv.Itoa(n))
}

// NodeKey identifies a node: its name is unique within one cluster only.
type NodeKey struct {
	Target TargetID
	Node   string
}

// UID returns the node's stable identifier on the wire.
func (k NodeKey) UID() string { return string(k.Target) + "/node/" + k.Node }

// GuestKey identifies a guest. A VMID is unique within one cluster only, and after a guest was destroyed
// its VMID may be given to another one: that one has the next generation.
type GuestKey struct {
	Target     TargetID
	VMID       int
	Generation int // 0 for the first guest seen with this VMID
}

// UID returns the guest's stable identifier on the wire. It does not change when the guest migrates or is
// renamed.
func (k GuestKey) UID() string {
	return string(k.Target) + "/guest/" + strconv.Itoa(k.VMID) + "/" + strconv.Itoa(k.Generation)
}

// StorageKey identifies a storage: a shared one belongs to the cluster, any other to its node.
type StorageKey struct {
	Target TargetID
	Node   string // empty for a shared storage
	Name   string
}

// UID returns the storage's stable identifier on the wire.
func (k StorageKey) UID() string {
	if k.Node == "" {
		return string(k.Target) + "/storage/" + k.Name
	}
	return string(k.Target) + "/node/" + k.Node + "/storage/" + k.Name
}

// DatastoreKey identifies a datastore of a Proxmox Backup Server.
type DatastoreKey struct {
	Target TargetID
	Name   string
}

// UID returns the datastore's stable identifier on the wire.
func (k DatastoreKey) UID() string { return string(k.Target) + "/datastore/" + k.Name }
