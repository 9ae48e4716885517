package pulse

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// patchShare says when a patch has grown so large that the whole observation is written again: at this part of its size.
const patchShare = 16

// contributeTries bounds how often a pass is written again that met something else than another pass.
const contributeTries = 3

// contribution is what one pass has for the other processes.
type contribution struct {
	cfg    config.Target
	memory memory // as the pass found it: what was written since belongs to another pass
	obs    *estate.Observation
	pin    string // the certificate that the pass trusts; empty for none
}

// contribute writes what a pass observed, in one round trip, and tells the other processes. It returns the memory of
// what was written. An [errOvertaken] means that another pass was written since this one began, perhaps long ago: what
// this one saw may be older, and is dropped.
func (m *Monitor) contribute(ctx context.Context, c contribution) (memory, error) {
	finished := context.WithoutCancel(ctx) // a pass that ended is written, and its failure told, also when Run ends
	ctx, cancel := context.WithTimeout(finished, storeLimit)
	defer cancel()
	var err error
	for range contributeTries {
		var commit store.Commit
		var after memory
		if commit, after, err = c.commit(); err != nil {
			return memory{}, err
		}
		var rev store.Revision
		if rev, err = m.opt.Store.Commit(ctx, commit); err == nil {
			m.noteStore(finished, nil)
			_ = m.opt.Store.Publish(ctx, store.Hint{Group: commit.Group, Rev: rev}) // a lost hint costs time only
			return after.at(rev), nil
		}
		if !raced(err) {
			break
		}
		theirs, readErr := m.readMemory(ctx, c.cfg)
		if readErr != nil {
			return memory{}, readErr
		}
		if theirs.latest != nil && (theirs.obsRev != c.memory.obsRev || theirs.readingsRev != c.memory.readingsRev) {
			return memory{}, errOvertaken
		}
		if theirs.head.IsZero() {
			if removed, readErr := m.removedElsewhere(ctx, c.cfg.ID); removed || readErr != nil {
				return memory{}, errors.Join(errChanged, readErr)
			}
		}
		c.meet(theirs)
	}
	if store.Refused(err) { // the store works: the pass is too large, or meets others again and again
		m.log.Warn("what was observed is not shared with other processes", "target", c.cfg.ID, "err", err)
	} else {
		m.noteStore(finished, err)
	}
	return memory{}, err
}

// errOvertaken reports a pass that another one was written before.
var errOvertaken = errors.New("another pass was written meanwhile")

// removedElsewhere tells whether another process removed a target, which this one has not followed yet: a group that is
// gone must not come back then.
func (m *Monitor) removedElsewhere(ctx context.Context, id estate.TargetID) (bool, error) {
	group, err := m.opt.Store.Get(ctx, systemGroup, keyCheckKey, targetKey(id))
	if err != nil {
		return false, m.unavailable(ctx, err)
	}
	return len(group.Items) == 1 && group.Items[0].Key == keyCheckKey, nil
}

// meet takes over what something else than a pass wrote. Where the store lost the group, everything is new to it.
func (c *contribution) meet(theirs memory) {
	if theirs.obsRev.IsZero() {
		c.memory.stored = nil
	}
	c.memory.head, c.memory.obsRev = theirs.head, theirs.obsRev
	c.memory.readingsRev, c.memory.learnedRev = theirs.readingsRev, theirs.learnedRev
}

// commit returns what to write and the memory of it, whose revisions [memory.at] completes.
func (c contribution) commit() (store.Commit, memory, error) {
	mem := c.memory
	commit := store.Commit{Group: string(c.cfg.ID), Epoch: mem.head.Epoch}
	patch := c.patch()
	if patch != nil {
		commit.Ops = []store.Op{
			{Key: observationKey, Rev: mem.obsRev, CheckOnly: true},
			{Key: readingsKey, Rev: mem.readingsRev, Value: patch},
		}
		mem.readingsRev = store.Revision{N: pendingRevision}
	} else {
		whole, err := json.Marshal(c.obs)
		if err != nil {
			return commit, mem, err
		}
		commit.Ops = []store.Op{
			{Key: observationKey, Rev: mem.obsRev, Value: whole},
			{Key: readingsKey, Rev: mem.readingsRev, Delete: true},
		}
		mem.stored, mem.storedBytes, mem.obsRev = c.obs, len(whole), store.Revision{N: pendingRevision}
		mem.readingsRev, mem.storedAt = store.Revision{}, time.Now()
	}
	mem.latest = c.obs
	if mem.news || mem.head.IsZero() && !mem.learned.At.IsZero() {
		value, err := json.Marshal(learnedDocument{Trust: trustOf(c.cfg), Learned: mem.learned})
		if err != nil {
			return commit, mem, err
		}
		commit.Ops = append(commit.Ops, store.Op{Key: learnedKey, Any: true, Value: value})
		mem.news, mem.learnedRev = false, store.Revision{N: pendingRevision}
	}
	if mem.head.IsZero() && c.pin != "" {
		// The group comes into being, or again: the certificate met at first contact must not be forgotten with it.
		commit.Ops = append(commit.Ops,
			store.Op{Key: trustKey, Any: true, Value: []byte(trustOf(c.cfg))},
			store.Op{Key: pinPrefix + c.cfg.Address, Any: true, Value: []byte(c.pin)})
	}
	return commit, mem, nil
}

// patch returns the observation as a patch, or nil when it has to be written whole.
func (c contribution) patch() []byte {
	if c.memory.stored == nil {
		return nil
	}
	patch := estate.EncodePatch(c.memory.stored, c.obs)
	if len(patch) > max(c.memory.storedBytes/patchShare, minPatch) {
		return nil
	}
	return patch
}

// minPatch is a size below which a patch is never too large, in bytes.
const minPatch = 512

// pendingRevision stands for the revision of a commit that is being made; no group comes so far.
const pendingRevision = ^uint64(0)

// at completes the memory of a commit with its revision.
func (mem memory) at(rev store.Revision) memory {
	mem.head = rev
	for _, r := range []*store.Revision{&mem.obsRev, &mem.readingsRev, &mem.learnedRev} {
		if r.N == pendingRevision {
			*r = rev
		}
	}
	return mem
}

// reread takes over what other processes wrote about a target.
func (m *Monitor) reread(ctx context.Context, id estate.TargetID) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	m.mu.Lock()
	t := m.targets[id]
	if t == nil {
		m.mu.Unlock()
		return nil
	}
	cfg, before := t.cfg, t.memory
	t.moved = false
	m.mu.Unlock()
	after, err := m.readMoved(ctx, cfg, before)
	if err != nil {
		m.mu.Lock()
		t.moved = true
		m.mu.Unlock()
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[id] != t || t.memory.head != before.head || after.head == before.head {
		return nil // what happened meanwhile is newer
	}
	newer := after.latest != nil && (after.obsRev != before.obsRev || after.readingsRev != before.readingsRev)
	if before.news || trustOf(cfg) != trustOf(t.cfg) {
		after.learned, after.news = t.memory.learned, t.memory.news
	}
	t.memory = after
	if newer {
		m.observe(t, after.latest)
	}
	return nil
}

// readMoved reads those keys of a target's group that moved since mem.
func (m *Monitor) readMoved(ctx context.Context, cfg config.Target, mem memory) (memory, error) {
	for {
		list, err := m.opt.Store.List(ctx, string(cfg.ID), "")
		if err != nil {
			return mem, m.unavailable(ctx, err)
		}
		if list.Rev == mem.head {
			return mem, nil
		}
		next, keys := mem.movedIn(list)
		if len(keys) == 0 {
			return next, nil
		}
		group, err := m.opt.Store.Get(ctx, string(cfg.ID), keys...)
		if err != nil {
			return mem, m.unavailable(ctx, err)
		}
		if group.Rev == list.Rev {
			return m.recall(cfg, next, group), nil
		}
	}
}

// movedIn returns which keys have to be read to follow a list, and the memory without them.
func (mem memory) movedIn(list store.Group) (memory, []string) {
	revs := map[string]store.Revision{}
	for _, item := range list.Items {
		revs[item.Key] = item.Rev
	}
	var keys []string
	switch {
	case revs[observationKey] != mem.obsRev:
		keys = []string{observationKey, readingsKey}
		mem.obsRev, mem.readingsRev, mem.stored, mem.latest = store.Revision{}, store.Revision{}, nil, nil
	case revs[readingsKey] != mem.readingsRev:
		keys = []string{readingsKey}
		mem.readingsRev = store.Revision{}
	}
	if revs[learnedKey] != mem.learnedRev {
		keys = append(keys, learnedKey)
		mem.learnedRev = store.Revision{}
	}
	mem.head = list.Rev
	return mem, keys
}
