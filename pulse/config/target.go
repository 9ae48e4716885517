package config

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Target is one configured connection: a PVE cluster, a single PVE host, or a Proxmox Backup Server.
type Target struct {
	ID   estate.TargetID
	Name string // shown to people; may be changed
	// Slug begins the wire ids of what the target holds. It is made from the first name and never changes;
	// no slug followed by "-" begins another one, so that ids of two targets cannot be mistaken.
	Slug    string
	Address string // https://host:port, as normalised when it was set

	// Either User and Password, or TokenID and TokenSecret.
	User        string // user@realm
	Password    Secret
	TokenID     string // user@realm!name
	TokenSecret Secret

	Fingerprint string     // SHA-256 of the certificate to trust, and no other; may be empty
	Verify      VerifyMode // what to do about the certificate without a fingerprint

	Collect  Collect
	Interval time.Duration // between two full readings; 0 follows the settings

	// Source is the file that declares the target, empty for one added through the API. A declared target
	// is changed in its file only.
	Source string
	Added  time.Time
}

// Kind returns the product the target runs.
func (t *Target) Kind() estate.TargetKind { return t.ID.Kind() }

// VerifyMode says how a target's certificate is judged when no fingerprint is given.
type VerifyMode string

// The verify modes.
const (
	// VerifyAuto trusts the system's authorities where that works; otherwise the certificate met at first
	// contact is remembered, before any credential is sent, and no other is accepted later.
	VerifyAuto VerifyMode = ""
	// VerifySystem trusts the system's authorities only.
	VerifySystem VerifyMode = "system"
	// VerifyOff accepts any certificate, at the user's own risk.
	VerifyOff VerifyMode = "off"
)

// Collect says which parts of a target are read. The nodes themselves always are.
type Collect struct {
	VMs         bool `json:"vms"`
	Containers  bool `json:"containers"`
	Storage     bool `json:"storage"`
	Backups     bool `json:"backups"`
	Datastores  bool `json:"datastores"`
	SyncJobs    bool `json:"syncJobs"`
	VerifyJobs  bool `json:"verifyJobs"`
	PruneJobs   bool `json:"pruneJobs"`
	GarbageJobs bool `json:"garbageJobs"`
}

// CollectAll returns the default for a kind: everything that the kind has.
func CollectAll(kind estate.TargetKind) Collect {
	if kind == estate.PBS {
		return Collect{
			Backups: true, Datastores: true,
			SyncJobs: true, VerifyJobs: true, PruneJobs: true, GarbageJobs: true,
		}
	}
	return Collect{VMs: true, Containers: true, Storage: true, Backups: true}
}
