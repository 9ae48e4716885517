package pulse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// The keys of the group that holds all configuration, so that any change of it is one commit.
const (
	systemGroup  = "system"
	keyCheckKey  = "key-check"
	settingsKey  = "settings"
	countersKey  = "counters"
	targetPrefix = "target/"
)

// registry is the configuration as the store has it.
type registry struct {
	rev      store.Revision            // of the group
	revs     map[string]store.Revision // by key
	targets  map[estate.TargetID]config.Target
	settings config.Settings
	counters counters
	reseal   []estate.TargetID // sealed with a previous key
}

// counters hold the number that the next target of each kind gets.
type counters struct {
	PVE int `json:"pve"`
	PBS int `json:"pbs"`
}

func (c *counters) next(kind estate.TargetKind) estate.TargetID {
	n := &c.PVE
	if kind == estate.PBS {
		n = &c.PBS
	}
	id := estate.NewTargetID(kind, *n)
	*n++
	return id
}

// whole tells whether nothing of the configuration is missing: the mark of the key is written last.
func (r *registry) whole() bool { return !r.revs[keyCheckKey].IsZero() }

func targetKey(id estate.TargetID) string { return targetPrefix + string(id) }

// prepareStore makes sure that what is stored opens with the keyring, and marks an empty store with it. Nothing is
// written to a store that another key has marked.
func (m *Monitor) prepareStore(ctx context.Context) error {
	for {
		group, err := m.opt.Store.Get(ctx, systemGroup, keyCheckKey)
		if err != nil {
			return m.unavailable(ctx, err)
		}
		var rev store.Revision
		if len(group.Items) > 0 {
			old, err := config.CheckKey(group.Items[0].Value, m.opt.Keyring)
			if err != nil || !old {
				return err
			}
			rev = group.Items[0].Rev
		}
		_, err = m.opt.Store.Commit(ctx, store.Commit{
			Group: systemGroup, Epoch: group.Rev.Epoch, Durable: true,
			Ops: []store.Op{{Key: keyCheckKey, Rev: rev, Value: config.EncodeKeyCheck(m.opt.Keyring)}},
		})
		switch {
		case err == nil:
			return nil
		case !raced(err):
			return m.unavailable(ctx, err)
		}
	}
}

// raced tells whether a commit met another one, so that reading again and deciding again may succeed.
func raced(err error) bool { return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrGone) }

// readRegistry reads all configuration in one consistent reading.
func (m *Monitor) readRegistry(ctx context.Context) (*registry, error) {
	for {
		list, err := m.opt.Store.List(ctx, systemGroup, "")
		if err != nil {
			return nil, m.unavailable(ctx, err)
		}
		r := &registry{
			revs: map[string]store.Revision{}, targets: map[estate.TargetID]config.Target{},
			settings: config.DefaultSettings(),
		}
		moved, err := m.readItems(ctx, r, list)
		if err != nil {
			return nil, err
		}
		if !moved {
			return r, nil
		}
	}
}

// readItems reads what a list named, in parts, and tells whether the group moved in between.
func (m *Monitor) readItems(ctx context.Context, r *registry, list store.Group) (moved bool, err error) {
	r.rev = list.Rev
	for part := range slices.Chunk(list.Items, store.MaxGetKeys) {
		keys := make([]string, len(part))
		for i, item := range part {
			keys[i] = item.Key
		}
		group, err := m.opt.Store.Get(ctx, systemGroup, keys...)
		if err != nil {
			return false, m.unavailable(ctx, err)
		}
		if group.Rev != list.Rev {
			return true, nil
		}
		for _, item := range group.Items {
			if err := r.read(item, m.opt.Keyring); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func (r *registry) read(item store.Item, keys *config.Keyring) error {
	r.revs[item.Key] = item.Rev
	switch {
	case strings.HasPrefix(item.Key, targetPrefix):
		t, reseal, err := config.DecodeTarget(item.Value, keys)
		if err != nil {
			return fmt.Errorf("%s: %w", item.Key, err)
		}
		r.targets[t.ID] = t
		if reseal {
			r.reseal = append(r.reseal, t.ID)
		}
	case item.Key == settingsKey:
		s, err := config.DecodeSettings(item.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", item.Key, err)
		}
		r.settings = s
	case item.Key == countersKey:
		if err := json.Unmarshal(item.Value, &r.counters); err != nil {
			return fmt.Errorf("%s: %w", item.Key, config.ErrDamaged)
		}
	}
	return nil
}

// writeTarget returns the write of a target's document.
func (r *registry) writeTarget(t config.Target, keys *config.Keyring) (store.Op, error) {
	value, err := config.EncodeTarget(t, keys)
	if err != nil {
		return store.Op{}, fmt.Errorf("encode %s: %w", t.ID, err)
	}
	key := targetKey(t.ID)
	return store.Op{Key: key, Rev: r.revs[key], Value: value}, nil
}

// writeCounters returns the write of the counters.
func (r *registry) writeCounters() (store.Op, error) {
	value, err := json.Marshal(r.counters)
	return store.Op{Key: countersKey, Rev: r.revs[countersKey], Value: value}, err
}

// replace takes over a changed target and returns what to write. The counters are written along, so that two changes
// made at once by two processes meet: each must have seen the other's addresses and names.
func (r *registry) replace(t config.Target, keys *config.Keyring) ([]store.Op, error) {
	write, err := r.writeTarget(t, keys)
	if err != nil {
		return nil, err
	}
	count, err := r.writeCounters()
	if err != nil {
		return nil, err
	}
	r.targets[t.ID] = t
	return []store.Op{write, count}, nil
}

// remove takes a target out and returns what to write.
func (r *registry) remove(id estate.TargetID) store.Op {
	delete(r.targets, id)
	return store.Op{Key: targetKey(id), Rev: r.revs[targetKey(id)], Delete: true}
}

// slugs returns what no new slug of a kind may collide with: the slugs of its targets, and for PVE the beginning of
// every PBS id on the wire.
func (r *registry) slugs(kind estate.TargetKind) []string {
	var taken []string
	if kind == estate.PVE {
		taken = append(taken, string(estate.PBS))
	}
	for _, t := range r.targets {
		if t.Kind() == kind {
			taken = append(taken, t.Slug)
		}
	}
	slices.Sort(taken)
	return taken
}

// change makes one configuration change. decide looks at what is stored now, makes the change in it and returns what to
// write; it runs again when another process changed something meanwhile. What is running follows the change before
// change returns.
func (m *Monitor) change(ctx context.Context, decide func(*registry) ([]store.Op, error)) error {
	if err := m.Load(ctx); err != nil {
		return err
	}
	if err := m.changing.enter(ctx); err != nil {
		return fmt.Errorf("change the configuration: %w", err)
	}
	defer m.changing.leave()
	r, err := m.commitChange(ctx, decide)
	if err != nil {
		return err
	}
	memories, err := m.remember(ctx, r)
	if err != nil {
		// The change is made. A target that this process added has nothing to remember.
		m.log.Warn("what is stored about targets was not read", "err", err)
	}
	m.adopt(r, memories)
	return nil
}

func (m *Monitor) commitChange(ctx context.Context, decide func(*registry) ([]store.Op, error)) (*registry, error) {
	for {
		r, err := m.readRegistry(ctx)
		if err != nil {
			return nil, err
		}
		if !r.whole() || m.opt.Shared && m.emptied(r) {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, errEmptied)
		}
		ops, err := decide(r)
		if err != nil || len(ops) == 0 {
			return r, err
		}
		rev, err := m.opt.Store.Commit(ctx, store.Commit{
			Group: systemGroup, Epoch: r.rev.Epoch, Ops: ops, Durable: true,
		})
		if raced(err) {
			continue
		}
		m.noteStore(ctx, err)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		_ = m.opt.Store.Publish(ctx, store.Hint{Group: systemGroup, Rev: rev}) // a lost hint costs time only
		if rev.N == r.rev.N+1 {
			r.rev = rev
			return r, nil
		}
		// Another process changed something else in between; what is in force must have both.
		if both, err := m.readRegistry(ctx); err == nil {
			return both, nil
		}
		return r, nil
	}
}
