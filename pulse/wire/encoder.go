package wire

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Encoder keeps one encoded row per resource of every target. It is not safe for concurrent use: one publisher owns
// it.
type Encoder struct {
	targets map[estate.TargetID]*holding
	writer  writer
	packer  *packer
	process string // begins every ETag, so that those of two processes differ

	changed, words bool // since the last Publish
	last           *Snapshot
}

// NewEncoder returns an encoder without targets.
func NewEncoder() *Encoder {
	return &Encoder{
		targets: make(map[estate.TargetID]*holding),
		packer:  newPacker(),
		process: rand.Text(),
		changed: true, words: true,
	}
}

// Update takes a target's settings and its newest observation as of now, and encodes the rows that changed. The
// observation must not change afterwards; nil stands for a target that was not read yet.
func (e *Encoder) Update(t Target, o *estate.Observation, now time.Time) {
	old := e.targets[t.ID]
	if o == nil {
		o = &estate.Observation{Target: t.ID}
	}
	if old != nil && old.obs == o && old.target == t && !old.grownOld(now) {
		return
	}
	p := encode(old, t, o, now, &e.writer)
	e.targets[t.ID] = p.next
	e.changed = e.changed || p.changed
	e.words = e.words || p.words
}

// grownOld tells whether a row's freshness is another one by now.
func (h *holding) grownOld(now time.Time) bool { return !h.due.IsZero() && !now.Before(h.due) }

// Remove forgets a target and everything it holds.
func (e *Encoder) Remove(id estate.TargetID) {
	if _, ok := e.targets[id]; !ok {
		return
	}
	delete(e.targets, id)
	e.changed, e.words = true, true
}

// Publish returns the state as of now: the previous snapshot while nothing changed since, otherwise a new one with a
// higher Revision. It also sees to rows that grew too old to be live, or to be known, since their target's last
// Update. Before the first Update it returns an empty state with revision 1.
func (e *Encoder) Publish(now time.Time, s Stats) *Snapshot {
	for _, h := range e.targets {
		if h.grownOld(now) {
			e.Update(h.target, h.obs, now)
		}
	}
	if !e.changed {
		return e.last
	}
	next := &Snapshot{
		Revision: 1, StatusRevision: 1, At: now,
		stats: s, holdings: slices.SortedFunc(maps.Values(e.targets), compareHoldings),
		packer: e.packer, process: e.process,
	}
	if e.last != nil {
		next.Revision = e.last.Revision + 1
		next.StatusRevision = e.last.StatusRevision
		next.order = e.last.order
	}
	if e.words {
		next.order = newOrder(next.holdings)
		next.StatusRevision = next.Revision
	}
	next.prepare()
	e.last, e.changed, e.words = next, false, false
	return next
}

// compareHoldings puts clusters first and then goes by the number of the target.
func compareHoldings(a, b *holding) int {
	x, y := a.target.ID, b.target.ID
	return cmp.Or(
		-strings.Compare(string(x.Kind()), string(y.Kind())),
		cmp.Compare(x.Number(), y.Number()),
		strings.Compare(string(x), string(y)),
	)
}
