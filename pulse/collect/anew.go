package collect

import (
	"maps"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Anew returns prev in such a form that the next pass asks again what the target is made of and what its credential may
// see: after the address or the credential changed, or when what a client learned is lost. prev may be nil and is not
// changed.
func Anew(prev *estate.Observation) *estate.Observation {
	if prev == nil {
		return nil
	}
	next := *prev
	next.Reads = maps.Clone(prev.Reads)
	maps.DeleteFunc(next.Reads, func(name string, _ time.Time) bool {
		switch name {
		case noteClusterStatus, noteStorages, noteMembers, notePermissions, noteHost:
			return true
		}
		return strings.HasPrefix(name, noteForbidden)
	})
	return &next
}
