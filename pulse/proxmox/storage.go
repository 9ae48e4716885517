package proxmox

import "time"

// StorageConfig is a row of PVE "GET /storage": how a storage is defined, for all nodes.
type StorageConfig struct {
	Name string
	// Plugin is the type, such as "dir", "lvmthin", "zfspool", "nfs" or "pbs".
	Plugin string
	// Content is what it may hold, such as "images" or "backup".
	Content []string
	// Shared is unknown when the definition does not say; types such as nfs, cephfs and pbs are then shared by nature.
	Shared Opt[bool]
	// Disabled storages have no rows in [Resources].
	Disabled bool
	// Nodes limits it to some nodes; empty means all.
	Nodes []string
	// Server, Export, Datastore, Namespace and Username say where a network storage or PBS is.
	Server    string
	Export    string
	Datastore string
	Namespace string
	Username  string
	// Fingerprint pins the certificate of a PBS; zero when absent or unreadable.
	Fingerprint Fingerprint
	// Path, Pool, VolumeGroup and ThinPool say where a local one is.
	Path        string
	Pool        string
	VolumeGroup string
	ThinPool    string
}

// Certificate is a row of PVE "GET /nodes/{node}/certificates/info".
type Certificate struct {
	// Filename is "pve-root-ca.pem" (the cluster's authority), "pve-ssl.pem" or "pveproxy-ssl.pem" (a custom one).
	Filename    string
	Subject     string
	Issuer      string
	Fingerprint Fingerprint
	// NotBefore and NotAfter are in UTC; zero when absent.
	NotBefore time.Time
	NotAfter  time.Time
	// Names are the subject alternative names.
	Names []string
	// PEM is the certificate itself.
	PEM string
}
