package pulse

import (
	"context"
	"errors"
	"fmt"
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

// errBatchFull ends a batch of writes that one commit cannot take more of; the next one goes on.
var errBatchFull = errors.New("batch is full")

// batch is the writes of one commit.
type batch struct{ ops []store.Op }

// add takes writes, leaving room for the counters.
func (b *batch) add(op store.Op) error {
	if len(b.ops) >= store.MaxOps-1 {
		return errBatchFull
	}
	b.ops = append(b.ops, op)
	return nil
}

// declare returns the next writes that make the registry match the declarations and the present key, as many as one
// commit takes; none when it matches.
func (m *Monitor) declare(r *registry) ([]store.Op, error) {
	found, err := m.matchDeclared(r)
	if err != nil {
		return nil, err
	}
	b := &batch{}
	for _, step := range []func(*registry, map[int]estate.TargetID, *batch) error{
		m.removeUndeclared, m.updateDeclared, m.reseal, m.insertDeclared,
	} {
		if err := step(r, found, b); errors.Is(err, errBatchFull) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return b.ops, nil
}

// matchDeclared finds the stored targets that the declarations are about, by the place in Options.Declared: all by name
// before any by address, so that one that moved to another's former address stays itself. It refuses declarations that
// name the same thing twice.
func (m *Monitor) matchDeclared(r *registry) (map[int]estate.TargetID, error) {
	found, taken := map[int]estate.TargetID{}, map[estate.TargetID]bool{}
	for _, key := range []func(config.Target) identity{byName, byAddress} {
		stored := map[identity]estate.TargetID{}
		for id, t := range r.targets {
			stored[key(t)] = id
		}
		for i, declared := range m.opt.Declared {
			id, ok := stored[key(declared)]
			if _, has := found[i]; ok && !has && !taken[id] && id.Kind() == declared.Kind() {
				found[i], taken[id] = id, true
			}
		}
	}
	return found, m.distinct(r, found, taken)
}

// distinct refuses declarations that would leave two targets with one name or address.
func (m *Monitor) distinct(r *registry, found map[int]estate.TargetID, taken map[estate.TargetID]bool) error {
	owners := map[identity]config.Target{}
	for id, t := range r.targets {
		if t.Source == "" && !taken[id] {
			owners[byName(t)], owners[byAddress(t)] = t, t
		}
	}
	for i, declared := range m.opt.Declared {
		if id, ok := found[i]; ok {
			declared.ID = id
		}
		for _, key := range []identity{byName(declared), byAddress(declared)} {
			if other, ok := owners[key]; ok {
				return declaredError(declared, &DuplicateError{Target: other.ID, Name: other.Name, What: key.what})
			}
			owners[key] = declared
		}
	}
	return nil
}

// identity is what no two targets share.
type identity struct {
	kind estate.TargetKind // of a name
	what string            // as [DuplicateError.What]
}

func byName(t config.Target) identity { return identity{t.Kind(), fmt.Sprintf("the name %q", t.Name)} }

func byAddress(t config.Target) identity { return identity{"", "the address " + t.Address} }

func declaredError(t config.Target, err error) error {
	return fmt.Errorf("%s: %s: %w", t.Source, t.Name, err)
}

func (m *Monitor) removeUndeclared(r *registry, found map[int]estate.TargetID, b *batch) error {
	kept := map[estate.TargetID]bool{}
	for _, id := range found {
		kept[id] = true
	}
	for id, t := range r.targets {
		if t.Source == "" || kept[id] {
			continue
		}
		if err := b.add(r.remove(id)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Monitor) updateDeclared(r *registry, found map[int]estate.TargetID, b *batch) error {
	for i, id := range found {
		declared, old := m.opt.Declared[i], r.targets[id]
		declared.ID, declared.Slug, declared.Added = old.ID, old.Slug, old.Added
		if declared == old {
			continue
		}
		op, err := r.writeTarget(declared, m.opt.Keyring)
		if err != nil {
			return declaredError(declared, err)
		}
		if err := b.add(op); err != nil {
			return err
		}
		r.targets[id] = declared
		r.reseal = slices.DeleteFunc(r.reseal, func(other estate.TargetID) bool { return other == id })
	}
	return nil
}

// reseal seals with the present key what an earlier one sealed.
func (m *Monitor) reseal(r *registry, _ map[int]estate.TargetID, b *batch) error {
	for _, id := range r.reseal {
		t, ok := r.targets[id]
		if !ok {
			continue
		}
		op, err := r.writeTarget(t, m.opt.Keyring)
		if err != nil {
			return err
		}
		if err := b.add(op); err != nil {
			return err
		}
	}
	return nil
}

// insertDeclared adds new targets in the order of their files.
func (m *Monitor) insertDeclared(r *registry, found map[int]estate.TargetID, b *batch) error {
	before := r.counters
	var full error
	for i, declared := range m.opt.Declared {
		if _, ok := found[i]; ok {
			continue
		}
		if len(b.ops) >= store.MaxOps-1 {
			full = errBatchFull
			break
		}
		_, op, err := m.insert(r, declared)
		if err != nil {
			return declaredError(declared, err)
		}
		b.ops = append(b.ops, op)
	}
	if r.counters != before {
		op, err := r.writeCounters()
		if err != nil {
			return err
		}
		b.ops = append(b.ops, op)
	}
	return full
}
