package pulse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// applyDeclared brings the stored targets in line with the declared ones: a declared target is found again by its kind
// and name, or by its address, so that it keeps its id, its slug and with them its history; one that no file declares
// any longer is removed. Targets added through the API stay, unless a file now declares them.
func (m *Monitor) applyDeclared(ctx context.Context) (*registry, error) {
	for {
		written := 0
		next, err := m.commitChange(ctx, func(r *registry) ([]store.Op, error) {
			ops, err := m.declare(r)
			written = len(ops)
			return ops, err
		})
		if err != nil || written == 0 {
			return next, err
		}
	}
}

// declare returns the next writes that make the registry match the declarations and the present key, as many as one
// commit takes; none when it matches.
func (m *Monitor) declare(r *registry) ([]store.Op, error) {
	ops := map[string]store.Op{}
	for _, id := range r.reseal {
		op, err := r.writeTarget(r.targets[id], m.opt.Keyring)
		if err != nil {
			return nil, err
		}
		ops[op.Key] = op
	}
	kept := map[estate.TargetID]bool{}
	for _, declared := range m.opt.Declared {
		writes, id, err := m.declareOne(r, declared, kept)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", declared.Source, declared.Name, err)
		}
		kept[id] = true
		for _, op := range writes {
			ops[op.Key] = op
		}
	}
	for id, t := range r.targets {
		if t.Source != "" && !kept[id] {
			key := targetKey(id)
			ops[key] = store.Op{Key: key, Rev: r.revs[key], Delete: true}
			delete(r.targets, id)
		}
	}
	keys := slices.Sorted(maps.Keys(ops))
	list := make([]store.Op, 0, len(keys))
	for _, key := range keys[:min(len(keys), store.MaxOps)] {
		list = append(list, ops[key])
	}
	return list, nil
}

func (m *Monitor) declareOne(r *registry, declared config.Target, kept map[estate.TargetID]bool) ([]store.Op, estate.TargetID, error) {
	old, ok := findDeclared(r, declared, kept)
	if !ok {
		added, ops, err := m.insert(r, declared)
		return ops, added.ID, err
	}
	declared.ID, declared.Slug, declared.Added = old.ID, old.Slug, old.Added
	if declared == old {
		return nil, old.ID, nil
	}
	op, err := r.writeTarget(declared, m.opt.Keyring)
	r.targets[old.ID] = declared
	return []store.Op{op}, old.ID, err
}

func findDeclared(r *registry, declared config.Target, kept map[estate.TargetID]bool) (config.Target, bool) {
	for _, same := range []func(config.Target) bool{
		func(t config.Target) bool { return t.Name == declared.Name },
		func(t config.Target) bool { return t.Address == declared.Address },
	} {
		for id, t := range r.targets {
			if t.Kind() == declared.Kind() && !kept[id] && same(t) {
				return t, true
			}
		}
	}
	return config.Target{}, false
}
