package proxmox

import "time"

// Learned is what an authenticated client found out about its target and the caller should keep, so that the next start
// works with the configured member down. Hand it back in [Trust.Known] and [Trust.CA].
type Learned struct {
	// At is when it was learned, in UTC; zero when nothing was yet.
	At      time.Time
	Version Version
	// ClusterName is empty for a single host and for PBS.
	ClusterName string
	// Members are sorted by name; for a single host its own entry. Empty for PBS.
	Members []Member
	// CA is the cluster's own authority in PEM; empty when it could not be read.
	CA []byte
}
