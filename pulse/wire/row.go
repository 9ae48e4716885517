package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// row is one encoded resource. The body is its JSON object without the closing brace, since lastSeen, which changes
// with every pass, is appended when a document is assembled. A storage's body also lacks the id at its beginning,
// which depends on the other targets. Bodies lie in an arena and are never changed.
type row struct {
	body   []byte
	seen   int64 // when the reading was taken, see nanos
	fresh  estate.Freshness
	status estate.Freshness // how far the status may be believed; mostly as fresh
	health nodeHealth       // of a node
}

// nanos packs a time into a row; 0 stands for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// freshness writes how far the row speaks of the present, and of when it speaks otherwise.
func (w *writer) freshness(fresh estate.Freshness, seen estate.Seen) {
	w.str(`,"freshness":`, string(fresh))
	if fresh != estate.Live {
		w.optTime(`,"observedAt":`, observedAt(seen))
	}
}

// observedAt is when the values were true: an old reading may have been repeated later.
func observedAt(s estate.Seen) time.Time {
	if !s.Advanced.IsZero() && s.Advanced.Before(s.At) {
		return s.Advanced
	}
	return s.At
}

// statusWord keeps the last status of a reading too old to tell from being taken for the present one.
func statusWord(status string, fresh estate.Freshness) string {
	if fresh == estate.Unknown || status == "" {
		return "unknown"
	}
	return status
}

// arena gives rows their place in a few slabs instead of one allocation each.
type arena struct {
	slab []byte
	held int // bytes of all slabs that rows may lie in
}

const (
	minSlab = 2 << 10
	maxSlab = 256 << 10
)

// put copies a row into the arena. Want is how many bytes are still to come, this row included.
func (a *arena) put(body []byte, want int) []byte {
	if len(body) > cap(a.slab)-len(a.slab) {
		size := max(min(max(want, minSlab), maxSlab), len(body))
		a.slab = make([]byte, 0, size)
		a.held += size
	}
	start := len(a.slab)
	a.slab = append(a.slab, body...)
	return a.slab[start:len(a.slab):len(a.slab)]
}
