package pulse

import (
	"context"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
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
		var write store.Op
		var err error
		if added, write, err = m.insert(r, draft); err != nil {
			return nil, err
		}
		count, err := r.writeCounters()
		return []store.Op{write, count}, err
	})
	if err != nil {
		return config.Target{}, err
	}
	m.log.Info("target added", "target", added.ID, "name", added.Name, "address", added.Address)
	return added, nil
}

// insert gives a target its number and slug and returns what to write; the counters have to be written with it.
func (m *Monitor) insert(r *registry, t config.Target) (config.Target, store.Op, error) {
	if len(r.targets) >= MaxTargets {
		return t, store.Op{}, &config.FieldError{Field: "host", Reason: fmt.Sprintf("want at most %d targets", MaxTargets)}
	}
	if err := unique(r, t); err != nil {
		return t, store.Op{}, err
	}
	t.Slug = config.Slug(t.Name, r.slugs(t.Kind()))
	t.ID = r.counters.next(t.Kind())
	t.Added = time.Now().UTC().Truncate(time.Second)
	r.targets[t.ID] = t
	write, err := r.writeTarget(t, m.opt.Keyring)
	return t, write, err
}

// unique refuses a target whose address is another one's, or whose name another target of its kind has: clients tell
// targets apart by name.
func unique(r *registry, t config.Target) error {
	for _, other := range r.targets {
		if other.ID == t.ID {
			continue
		}
		dup := &DuplicateError{Target: other.ID, Name: other.Name}
		switch {
		case byAddress(other) == byAddress(t):
			dup.What = byAddress(t).what
		case byName(other) == byName(t):
			dup.What = byName(t).what
		default:
			continue
		}
		return dup
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
		if updated == old {
			return nil, nil
		}
		if err := unique(r, updated); err != nil {
			return nil, err
		}
		if updated.Address != old.Address {
			if err := m.unrelated(r, updated, offered); err != nil {
				return nil, err
			}
		}
		return r.replace(updated, m.opt.Keyring)
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
		return []store.Op{r.remove(id)}, nil
	})
	if err != nil {
		return err
	}
	m.log.Info("target removed", "target", id)
	m.drop(ctx, id)
	return nil
}
