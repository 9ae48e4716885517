package pulse

import (
	"context"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// MaxTargets is how many targets can be configured.
const MaxTargets = 1000

// AddTarget adds a target and has it read at once. Whether it can be reached is not asked. The error is a
// [*config.FieldError], a [*DuplicateError] for an address or name that a target has already, or [ErrUnavailable].
func (m *Monitor) AddTarget(ctx context.Context, kind estate.TargetKind, p TargetPatch) (config.Target, error) {
	draft, err := draftTarget(kind, p)
	if err != nil {
		return config.Target{}, err
	}
	if err := m.checkHost(ctx, kind, draft.Address); err != nil {
		return config.Target{}, err
	}
	offered := m.offered(ctx, draft)
	var added config.Target
	err = m.change(ctx, func(r *registry) ([]store.Op, error) {
		if err := m.unrelated(r, draft, offered); err != nil {
			return nil, err
		}
		var ops []store.Op
		var err error
		added, ops, err = m.insert(r, draft)
		return ops, err
	})
	if err != nil {
		return config.Target{}, err
	}
	m.log.Info("target added", "target", added.ID, "name", added.Name, "address", added.Address)
	return added, nil
}

// insert gives a target its number and slug and returns what to write.
func (m *Monitor) insert(r *registry, t config.Target) (config.Target, []store.Op, error) {
	if len(r.targets) >= MaxTargets {
		return t, nil, &config.FieldError{Field: "host", Reason: fmt.Sprintf("want at most %d targets", MaxTargets)}
	}
	if err := unique(r, t); err != nil {
		return t, nil, err
	}
	t.Slug = config.Slug(t.Name, r.slugs(t.Kind()))
	t.ID = r.counters.next(t.Kind())
	t.Added = time.Now().UTC().Truncate(time.Second)
	write, err := r.writeTarget(t, m.opt.Keyring)
	if err != nil {
		return t, nil, err
	}
	count, err := r.writeCounters()
	if err != nil {
		return t, nil, err
	}
	r.targets[t.ID] = t
	return t, []store.Op{write, count}, nil
}

// unique refuses a target whose address is another one's, or whose name another target of its kind has: clients tell
// targets apart by name.
func unique(r *registry, t config.Target) error {
	for _, other := range r.targets {
		if other.ID == t.ID || other.Kind() != t.Kind() {
			continue
		}
		dup := &DuplicateError{Target: other.ID, Name: other.Name}
		if other.Address == t.Address {
			dup.What = "the address " + t.Address
			return dup
		}
		if other.Name == t.Name {
			dup.What = fmt.Sprintf("the name %q", t.Name)
			return dup
		}
	}
	return nil
}

// UpdateTarget changes the fields of a target that p gives and has it read at once. The error is a
// [*config.FieldError], [ErrNotFound], a [*DeclaredError], a [*DuplicateError] or [ErrUnavailable].
func (m *Monitor) UpdateTarget(ctx context.Context, id estate.TargetID, p TargetPatch) (config.Target, error) {
	if p.Address != nil {
		if err := m.checkHost(ctx, id.Kind(), *p.Address); err != nil {
			return config.Target{}, err
		}
	}
	offered := m.offeredAfter(ctx, id, p)
	var updated config.Target
	err := m.change(ctx, func(r *registry) ([]store.Op, error) {
		old, ok := r.targets[id]
		if !ok {
			return nil, fmt.Errorf("target %s: %w", id, ErrNotFound)
		}
		if old.Source != "" {
			return nil, &DeclaredError{Target: id, File: old.Source}
		}
		var err error
		if updated, err = p.apply(old); err != nil {
			return nil, err
		}
		if err := unique(r, updated); err != nil {
			return nil, err
		}
		if err := m.unrelated(r, updated, offered); err != nil {
			return nil, err
		}
		write, err := r.writeTarget(updated, m.opt.Keyring)
		return []store.Op{write}, err
	})
	if err != nil {
		return config.Target{}, err
	}
	m.log.Info("target changed", "target", id, "name", updated.Name, "address", updated.Address)
	return updated, nil
}

// RemoveTarget forgets a target and everything learned about it. The error is [ErrNotFound], a [*DeclaredError] or
// [ErrUnavailable].
func (m *Monitor) RemoveTarget(ctx context.Context, id estate.TargetID) error {
	err := m.change(ctx, func(r *registry) ([]store.Op, error) {
		t, ok := r.targets[id]
		if !ok {
			return nil, fmt.Errorf("target %s: %w", id, ErrNotFound)
		}
		if t.Source != "" {
			return nil, &DeclaredError{Target: id, File: t.Source}
		}
		key := targetKey(id)
		return []store.Op{{Key: key, Rev: r.revs[key], Delete: true}}, nil
	})
	if err != nil {
		return err
	}
	m.log.Info("target removed", "target", id)
	if err := m.opt.Store.Drop(ctx, string(id)); err != nil {
		// Its configuration is gone; what is left belongs to a number that is never used again.
		m.log.Warn("what was learned about a removed target stays in the store", "target", id, "err", err)
	}
	return nil
}

// adopt makes what runs follow the configuration: it starts knowing new targets, from what the store remembers about
// them, gives changed ones a new session and forgets removed ones.
func (m *Monitor) adopt(r *registry, memories map[estate.TargetID]memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	repace := m.settings.PollingInterval != r.settings.PollingInterval ||
		m.settings.ConnectionTimeout != r.settings.ConnectionTimeout
	m.settings = r.settings
	for id, t := range m.targets {
		if _, ok := r.targets[id]; !ok {
			t.endSession()
			delete(m.targets, id)
			m.encoder.Remove(id)
		}
	}
	for id, cfg := range r.targets {
		t := m.targets[id]
		if t == nil {
			t = &target{memory: memories[id], obs: memories[id].stored}
			m.targets[id] = t
		}
		if t.cfg.ID != "" && trustChanged(t.cfg, cfg) {
			t.memory.learned, t.forget = proxmox.Learned{}, true
		}
		if t.cfg != cfg || repace {
			t.endSession()
		}
		t.cfg = cfg
		m.encode(t, now)
	}
	m.publish(now)
	m.signal()
}

// trustChanged tells whether what was learned about a target's certificates no longer holds.
func trustChanged(before, after config.Target) bool {
	return before.Address != after.Address || before.Fingerprint != after.Fingerprint || before.Verify != after.Verify
}

// signal wakes Run to look at the targets again.
func (m *Monitor) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
