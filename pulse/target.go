package pulse

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// target is one configured target and what is known about it. Its fields are guarded by Monitor.mu.
type target struct {
	cfg     config.Target
	obs     *estate.Observation // nil before anything is known
	session *session            // nil until the target is read, and after a change
	memory  memory
	forget  bool // the stored pins belong to an earlier address
}

// memory is what the store has about a target.
type memory struct {
	epoch    uint64 // of the target's group; 0 when there is none
	obsRev   store.Revision
	stored   *estate.Observation
	storedAt time.Time
	learned  proxmox.Learned
	learnRev store.Revision
}

// endSession ends what reads the target now; the next pass begins a new session.
func (t *target) endSession() {
	if t.session != nil {
		t.session.end()
		t.session = nil
	}
}
