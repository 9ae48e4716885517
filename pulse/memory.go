package pulse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// The keys of a target's own group.
const (
	observationKey = "observation"
	learnedKey     = "learned"
	pinPrefix      = "pin/" // and the member's base URL
)

// How often an observation is written: often enough that a restart shows the estate nearly as it was, seldom enough
// for a disk that has other work. A structure that flaps is not written at every turn.
const (
	writeEvery          = 5 * time.Minute
	writeStructureEvery = 30 * time.Second
)

// remember reads what the store has about the targets that are not known yet.
func (m *Monitor) remember(ctx context.Context, r *registry) (map[estate.TargetID]memory, error) {
	memories := map[estate.TargetID]memory{}
	for id := range r.targets {
		if m.knows(id) {
			continue
		}
		mem, err := m.readMemory(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		memories[id] = mem
	}
	return memories, nil
}

func (m *Monitor) knows(id estate.TargetID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.targets[id] != nil
}

func (m *Monitor) readMemory(ctx context.Context, id estate.TargetID) (memory, error) {
	group, err := m.opt.Store.Get(ctx, string(id), observationKey, learnedKey)
	if err != nil {
		return memory{}, err
	}
	mem := memory{epoch: group.Rev.Epoch}
	for _, item := range group.Items {
		switch item.Key {
		case observationKey:
			mem.obsRev = item.Rev
			mem.stored, err = estate.DecodeObservation(item.Value)
		case learnedKey:
			mem.learnRev = item.Rev
			err = json.Unmarshal(item.Value, &mem.learned)
		}
		if err != nil {
			// What was observed comes again by itself, so damage here stops nothing.
			m.log.Warn("a stored reading cannot be used", "target", id, "key", item.Key, "err", err)
		}
	}
	return mem, nil
}

// write is one target's observation on its way to the store.
type write struct {
	target *target
	obs    *estate.Observation
	commit store.Commit
}

// flushTries bounds how often a flush tries again what met another writer.
const flushTries = 3

// flush writes the observations that are due: all that changed when everything is asked for, else those whose
// structure changed or that were written long ago. All go in one transaction where the store can.
func (m *Monitor) flush(ctx context.Context, everything bool) {
	for range flushTries {
		writes := m.dueWrites(time.Now(), everything)
		if len(writes) == 0 || !m.writeOnce(ctx, writes) {
			return
		}
	}
}

// writeOnce makes the writes and tells whether one of them has to be tried again.
func (m *Monitor) writeOnce(ctx context.Context, writes []write) (again bool) {
	commits := make([]store.Commit, len(writes))
	for i, w := range writes {
		commits[i] = w.commit
	}
	results, err := store.CommitMany(ctx, m.opt.Store, commits)
	m.noteStore(err)
	for i, result := range results {
		if m.noteWrite(ctx, writes[i], result) {
			again = true
		}
	}
	return again
}

func (m *Monitor) dueWrites(now time.Time, everything bool) []write {
	m.mu.Lock()
	defer m.mu.Unlock()
	var writes []write
	for id, t := range m.targets {
		if !t.writeDue(now, everything) {
			continue
		}
		value, err := json.Marshal(t.obs)
		if err != nil {
			m.log.Error("an observation cannot be encoded", "target", id, "err", err)
			continue
		}
		writes = append(writes, write{target: t, obs: t.obs, commit: store.Commit{
			Group: string(id), Epoch: t.memory.epoch,
			Ops: []store.Op{{Key: observationKey, Rev: t.memory.obsRev, Value: value}},
		}})
	}
	return writes
}

func (t *target) writeDue(now time.Time, everything bool) bool {
	age := now.Sub(t.memory.storedAt)
	switch {
	case t.obs == nil || t.obs == t.memory.stored:
		return false
	case everything, t.memory.stored == nil:
		return true
	case age >= writeEvery:
		return true
	default:
		return age >= writeStructureEvery && !estate.SameStructure(t.obs, t.memory.stored)
	}
}

// noteWrite keeps the outcome of a write. Where another writer came first, a pin or another process, it learns what is
// stored now and asks for another try.
func (m *Monitor) noteWrite(ctx context.Context, w write, result store.Result) (again bool) {
	id := estate.TargetID(w.commit.Group)
	if raced(result.Err) {
		mem, err := m.readMemory(ctx, id)
		if err != nil {
			m.noteStore(err)
			return false
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		w.target.memory.epoch, w.target.memory.obsRev = mem.epoch, mem.obsRev
		return true
	}
	if result.Err != nil {
		m.log.Warn("an observation was not written", "target", id, "err", result.Err)
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w.target.memory.epoch, w.target.memory.obsRev = result.Rev.Epoch, result.Rev
	w.target.memory.stored, w.target.memory.storedAt = w.obs, time.Now()
	return false
}

// saveLearned keeps what a client learned, for the next start.
func (m *Monitor) saveLearned(ctx context.Context, id estate.TargetID, learned proxmox.Learned) error {
	value, err := json.Marshal(learned)
	if err != nil {
		return fmt.Errorf("encode what was learned: %w", err)
	}
	return m.update(ctx, id, learnedKey, value)
}

// update writes one key of a target's group, whatever it held.
func (m *Monitor) update(ctx context.Context, id estate.TargetID, key string, value []byte) error {
	for {
		rev, err := m.opt.Store.Heads(ctx, string(id))
		if err != nil {
			return err
		}
		_, err = m.opt.Store.Commit(ctx, store.Commit{
			Group: string(id), Epoch: rev[0].Epoch, Durable: true,
			Ops: []store.Op{{Key: key, Any: true, Value: value}},
		})
		if !raced(err) {
			return err
		}
	}
}

// pin stores a certificate met at first contact unless one is stored for the address, and returns the stored one.
func (m *Monitor) pin(ctx context.Context, id estate.TargetID, address string, offered proxmox.Fingerprint) (proxmox.Fingerprint, error) {
	for {
		stored, epoch, err := m.pinned(ctx, id, address)
		if err != nil || !stored.IsZero() {
			return stored, err
		}
		_, err = m.opt.Store.Commit(ctx, store.Commit{
			Group: string(id), Epoch: epoch, Durable: true,
			Ops: []store.Op{{Key: pinPrefix + address, Value: []byte(offered.String())}},
		})
		if err == nil {
			m.log.Info("certificate remembered at first contact", "target", id, "address", address, "fingerprint", offered)
			return offered, nil
		}
		if !raced(err) {
			return proxmox.Fingerprint{}, err
		}
	}
}

// pinned returns the stored pin of an address, zero when there is none.
func (m *Monitor) pinned(ctx context.Context, id estate.TargetID, address string) (proxmox.Fingerprint, uint64, error) {
	group, err := m.opt.Store.Get(ctx, string(id), pinPrefix+address)
	if err != nil || len(group.Items) == 0 {
		return proxmox.Fingerprint{}, group.Rev.Epoch, err
	}
	fingerprint, err := proxmox.ParseFingerprint(string(group.Items[0].Value))
	if err != nil {
		return fingerprint, 0, fmt.Errorf("the stored pin of %s is damaged: %w", address, err)
	}
	return fingerprint, group.Rev.Epoch, nil
}

// forgetTrust removes the pins and what was learned about certificates, after the user changed what to trust.
func (m *Monitor) forgetTrust(ctx context.Context, id estate.TargetID) error {
	for {
		list, err := m.opt.Store.List(ctx, string(id), pinPrefix)
		if err != nil || list.Rev.IsZero() {
			return err
		}
		ops := []store.Op{{Key: learnedKey, Any: true, Delete: true}}
		for _, item := range list.Items {
			ops = append(ops, store.Op{Key: item.Key, Any: true, Delete: true})
		}
		ops = slices.Clip(ops[:min(len(ops), store.MaxOps)])
		_, err = m.opt.Store.Commit(ctx, store.Commit{Group: string(id), Epoch: list.Rev.Epoch, Ops: ops, Durable: true})
		if err == nil && len(list.Items) < store.MaxOps {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrGone) {
			return err
		}
	}
}
