package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Encoder keeps one encoded row per resource of every target. It is not safe for concurrent use: one publisher owns
// it.
type Encoder struct {
	last *Snapshot
}

// NewEncoder returns an encoder without targets.
func NewEncoder() *Encoder { return &Encoder{} }

// Update takes a target's settings and its newest observation as of now, and encodes the rows that changed. The
// observation must not change afterwards; nil stands for a target that was not read yet.
func (e *Encoder) Update(t Target, o *estate.Observation, now time.Time) {}

// Remove forgets a target and everything it holds.
func (e *Encoder) Remove(id estate.TargetID) {}

// Publish returns the state as of now: the previous snapshot while nothing changed since, otherwise a new one with a
// higher Revision. It also sees to rows that grew too old to be live, or to be known, since their target's last
// Update. Before the first Update it returns an empty state with revision 1.
func (e *Encoder) Publish(now time.Time, s Stats) *Snapshot {
	if e.last == nil {
		e.last = &Snapshot{Revision: 1, StatusRevision: 1, At: now}
	}
	return e.last
}
