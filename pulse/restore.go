package pulse

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// halfwayLimit is how long a configuration may be missing a part before whoever was writing it counts as dead.
const halfwayLimit = 30 * time.Second

// emptied tells whether what was read is of a store that lost everything, and that a process that knew nothing came to
// before those that know the configuration: the group is another one, and what they write last is missing.
func (m *Monitor) emptied(r *registry) bool {
	return m.adopted != nil && m.adopted.rev.Epoch != r.rev.Epoch && r.revs[settingsKey].IsZero()
}

// putBack writes the configuration that is in force into a store that lost everything, as a shared server does that is
// started again without its file; found is what is there since. Of several replicas one does it; the mark of the key is
// written last, and without it nobody takes the configuration for whole. The caller holds m.changing.
func (m *Monitor) putBack(ctx context.Context, found *registry) {
	if m.adopted == nil {
		return
	}
	err := m.writeAll(ctx, m.adopted, found)
	switch {
	case err == nil:
		m.log.Warn("the store was emptied; the configuration was written back")
	case raced(err):
		return // another replica does it
	default:
		m.noteStore(ctx, err)
		return
	}
	r, err := m.readRegistry(ctx)
	if err == nil {
		m.adopt(r, nil)
		m.noteConfig(nil)
	}
}

// writeAll writes a whole configuration over what was found.
func (m *Monitor) writeAll(ctx context.Context, r, found *registry) error {
	ops, err := m.allOf(r)
	if err != nil {
		return err
	}
	for i := range ops {
		ops[i].Rev = found.revs[ops[i].Key]
	}
	rev := found.rev
	for part := range slices.Chunk(ops, store.MaxOps) {
		rev, err = m.opt.Store.Commit(ctx, store.Commit{
			Group: systemGroup, Epoch: rev.Epoch, Ops: part, Durable: true,
		})
		if err != nil {
			return err
		}
	}
	_ = m.opt.Store.Publish(ctx, store.Hint{Group: systemGroup, Rev: rev}) // a lost hint costs time only
	return nil
}

// allOf returns the writes of a whole configuration, the counters first, so that no number is given twice, and last the
// settings and the mark of the key.
func (m *Monitor) allOf(r *registry) ([]store.Op, error) {
	count, err := r.writeCounters()
	if err != nil {
		return nil, err
	}
	settings, err := config.EncodeSettings(r.settings)
	if err != nil {
		return nil, err
	}
	ops := []store.Op{count}
	for _, t := range r.targets {
		write, err := r.writeTarget(t, m.opt.Keyring)
		if err != nil {
			return nil, err
		}
		ops = append(ops, write)
	}
	return append(ops, store.Op{Key: settingsKey, Value: settings},
		store.Op{Key: keyCheckKey, Value: config.EncodeKeyCheck(m.opt.Keyring)}), nil
}

// awaitWhole leaves in force what is while another replica writes the configuration back, and begins anew when that one
// has died over it. The caller holds m.changing.
func (m *Monitor) awaitWhole(ctx context.Context) {
	m.noteConfig(errEmptied)
	now := time.Now()
	switch {
	case m.halfway.IsZero():
		m.halfway = now
	case now.Sub(m.halfway) > halfwayLimit:
		m.halfway = time.Time{}
		if err := m.opt.Store.Drop(ctx, systemGroup); err != nil {
			m.noteStore(ctx, err)
			return
		}
		m.putBack(ctx, &registry{})
	}
}

// errEmptied reports a store without a whole configuration, which nobody can have made on purpose through Pulse.
var errEmptied = errors.New("the store was emptied")
