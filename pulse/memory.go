package pulse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// The keys of a target's own group about what was read.
const (
	observationKey = "observation" // whole, in JSON
	readingsKey    = "readings"    // what changed since, of a shared store: a patch as package estate makes it
	learnedKey     = "learned"
)

// memory is what the store has about a target.
type memory struct {
	head        store.Revision // of the target's group, as of the latest reading or write; zero when there is none
	obsRev      store.Revision
	stored      *estate.Observation // under observationKey; nil when there is none
	storedBytes int
	storedAt    time.Time // when this process wrote it; zero before
	readingsRev store.Revision
	latest      *estate.Observation // stored with the readings
	learnedRev  store.Revision
	learned     proxmox.Learned
	news        bool // learned is not stored yet
}

// learnedDocument is the stored form of what a client learned, which holds as long as the same is to be trusted.
type learnedDocument struct {
	Trust   string          `json:"trust"`
	Learned proxmox.Learned `json:"learned"`
}

// remember reads what the store has about the targets that are not known yet.
func (m *Monitor) remember(ctx context.Context, r *registry) (map[estate.TargetID]memory, error) {
	memories := map[estate.TargetID]memory{}
	for id, cfg := range r.targets {
		if m.knows(id) {
			continue
		}
		mem, err := m.readMemory(ctx, cfg)
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

func (m *Monitor) readMemory(ctx context.Context, cfg config.Target) (memory, error) {
	group, err := m.opt.Store.Get(ctx, string(cfg.ID), observationKey, readingsKey, learnedKey)
	if err != nil {
		return memory{}, m.unavailable(ctx, err)
	}
	return m.recall(cfg, memory{}, group), nil
}

// recall takes over into mem what was read of a target's group. What is missing in the group stays.
func (m *Monitor) recall(cfg config.Target, mem memory, group store.Group) memory {
	mem.head = group.Rev
	for _, item := range group.Items { // readings come after what they are based on
		var err error
		switch item.Key {
		case observationKey:
			mem.obsRev, mem.storedBytes = item.Rev, len(item.Value)
			mem.stored, err = readObservation(item.Value, cfg.ID)
			mem.latest = mem.stored
		case readingsKey:
			mem.readingsRev = item.Rev
			var latest *estate.Observation
			if latest, err = readReadings(mem.stored, item.Value); err == nil {
				mem.latest = latest
			}
		case learnedKey:
			mem.learnedRev = item.Rev
			mem.learned, err = readLearned(item.Value, cfg)
		}
		if err != nil {
			// What was observed comes again by itself, so damage here stops nothing.
			m.log.Warn("a stored reading cannot be used", "target", cfg.ID, "key", item.Key, "err", err)
		}
	}
	return mem
}

func readReadings(base *estate.Observation, patch []byte) (*estate.Observation, error) {
	if base == nil {
		return nil, fmt.Errorf("readings without what they are based on: %w", estate.ErrDamaged)
	}
	return estate.ApplyPatch(base, patch)
}

func readObservation(value []byte, id estate.TargetID) (*estate.Observation, error) {
	obs, err := estate.DecodeObservation(value)
	if err == nil && obs.Target != id {
		return nil, fmt.Errorf("observation of %s: %w", obs.Target, estate.ErrDamaged)
	}
	return obs, err
}

func readLearned(value []byte, cfg config.Target) (proxmox.Learned, error) {
	var doc learnedDocument
	if err := json.Unmarshal(value, &doc); err != nil {
		return proxmox.Learned{}, fmt.Errorf("decode what was learned: %w", err)
	}
	if doc.Trust != trustOf(cfg) {
		return proxmox.Learned{}, nil
	}
	return doc.Learned, nil
}
