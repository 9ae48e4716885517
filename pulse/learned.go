package pulse

import (
	"bytes"
	"slices"

	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// sameLearned tells whether two learnings differ in their time only.
func sameLearned(a, b proxmox.Learned) bool {
	return a.Version == b.Version && a.ClusterName == b.ClusterName &&
		slices.Equal(a.Members, b.Members) && bytes.Equal(a.CA, b.CA)
}
