package pulse

import (
	"context"
	"encoding/json"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// How often an observation is written: often enough that a restart shows the estate nearly as it was, seldom enough
// for a disk that has other work. A structure that flaps is not written at every turn.
const (
	writeEvery          = 5 * time.Minute
	writeStructureEvery = 30 * time.Second
)

// flushTries bounds how often a flush tries again what met another writer.
const flushTries = 3

// write is what one target has for the store.
type write struct {
	target *target
	cfg    config.Target
	memory memory              // as it was when the write was decided
	obs    *estate.Observation // nil when it is not due
}

// flush writes what is due, in one transaction where the store can: what was learned, and observations, all that
// changed when everything is asked for, else those whose structure changed or that were written long ago. It tells
// whether anything was due.
func (m *Monitor) flush(ctx context.Context, everything bool) bool {
	if m.flushing.enter(ctx) != nil {
		return true
	}
	defer m.flushing.leave()
	for try := range flushTries {
		writes := m.dueWrites(time.Now(), everything)
		if len(writes) == 0 {
			return try > 0
		}
		if again := m.writeOnce(ctx, writes); !again {
			break
		}
	}
	return true
}

func (m *Monitor) dueWrites(now time.Time, everything bool) []write {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opt.Shared {
		return nil // every pass writes what it observed
	}
	var writes []write
	for _, t := range m.order {
		w := write{target: t, cfg: t.cfg, memory: t.memory}
		if t.writeDue(now, everything) {
			w.obs = t.obs
		}
		if w.obs != nil || t.memory.news {
			writes = append(writes, w)
		}
	}
	return writes
}

// writeDue tells whether an observation has to be written; m.mu is held.
func (t *target) writeDue(now time.Time, everything bool) bool {
	age := now.Sub(t.memory.storedAt)
	switch {
	case t.obs == nil || t.obs == t.memory.stored:
		return false
	case everything, t.memory.stored == nil, age >= writeEvery:
		return true
	default:
		return age >= writeStructureEvery && !estate.SameStructure(t.obs, t.memory.stored)
	}
}

// writeOnce makes the writes and tells whether one of them has to be tried again.
func (m *Monitor) writeOnce(ctx context.Context, writes []write) (again bool) {
	commits := make([]store.Commit, 0, len(writes))
	for _, w := range writes {
		commit, err := w.commit()
		if err != nil { // every field has a form in JSON
			m.log.Error("what is known about a target cannot be encoded", "target", w.cfg.ID, "err", err)
			return false
		}
		commits = append(commits, commit)
	}
	results, err := store.CommitMany(ctx, m.opt.Store, commits)
	m.noteStore(ctx, err)
	for i, result := range results {
		if raced(result.Err) {
			again = m.meet(ctx, writes[i]) || again
			continue
		}
		if result.Err != nil {
			m.log.Warn("what is known about a target was not written", "target", writes[i].cfg.ID, "err", result.Err)
		}
		m.noteWrite(writes[i], result)
	}
	return again
}

func (w write) commit() (store.Commit, error) {
	c := store.Commit{Group: string(w.cfg.ID), Epoch: w.memory.head.Epoch}
	if w.obs != nil {
		value, err := json.Marshal(w.obs)
		if err != nil {
			return c, err
		}
		c.Ops = append(c.Ops, store.Op{Key: observationKey, Rev: w.memory.obsRev, Value: value})
	}
	if w.memory.news {
		value, err := json.Marshal(learnedDocument{Trust: trustOf(w.cfg), Learned: w.memory.learned})
		if err != nil {
			return c, err
		}
		c.Ops = append(c.Ops, store.Op{Key: learnedKey, Any: true, Value: value})
	}
	return c, nil
}

// noteWrite keeps the outcome of a write. What the store refuses, as too large, is not tried again before its time.
func (m *Monitor) noteWrite(w write, result store.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mem := &w.target.memory
	if result.Err == nil {
		mem.head = result.Rev
	}
	if w.obs != nil {
		mem.stored, mem.storedAt = w.obs, time.Now()
		if result.Err == nil {
			mem.obsRev = result.Rev
		}
	}
	if mem.learned.At.Equal(w.memory.learned.At) {
		mem.news = false
	}
}

// meet learns what another writer stored, the first contact or another process, and tells whether to write again: an
// observation that is newer than this one stays.
func (m *Monitor) meet(ctx context.Context, w write) (again bool) {
	theirs, err := m.readMemory(ctx, w.cfg)
	if err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mem := &w.target.memory
	mem.head, mem.obsRev = theirs.head, theirs.obsRev
	if w.obs != nil && theirs.latest != nil && theirs.latest.Poll.Ended.After(w.obs.Poll.Ended) {
		mem.stored, mem.storedAt = w.obs, time.Now()
	}
	return true
}

// takeLearned takes over what a client learned; m.mu is held.
func (t *target) takeLearned(learned proxmox.Learned) {
	if learned.At.IsZero() || learned.At.Equal(t.memory.learned.At) {
		return
	}
	t.memory.news = t.memory.news || !sameLearned(t.memory.learned, learned)
	t.memory.learned = learned
}
