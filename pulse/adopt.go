package pulse

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

// adopt makes what runs follow the configuration: it starts knowing new targets, from what the store remembers about
// them, ends the sessions of changed ones and forgets removed ones. It returns when no pass over a changed or removed
// target is under way any more. The caller holds m.changing.
func (m *Monitor) adopt(r *registry, memories map[estate.TargetID]memory) {
	m.adopted = r
	ended := m.takeOver(r, memories)
	m.inForce.Store(&r.rev) // only now: whoever awaits it reads what was taken over
	closeAll(ended)
}

// takeOver does the work of adopt under m.mu and returns the sessions to close.
func (m *Monitor) takeOver(r *registry, memories map[estate.TargetID]memory) (ended []*session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	repace := paceChanged(*m.settings.Load(), r.settings)
	m.settings.Store(&r.settings)
	for id, t := range m.targets {
		if _, ok := r.targets[id]; !ok {
			ended = append(ended, t.session)
			delete(m.targets, id)
			m.encoder.Remove(id)
		}
	}
	for id, cfg := range r.targets {
		t := m.targets[id]
		if t == nil {
			t = &target{memory: memories[id], obs: memories[id].latest, poke: make(chan struct{}, 1)}
			t.tried = m.opt.Shared && t.obs != nil
			m.targets[id] = t
		}
		ended = append(ended, t.take(cfg, repace))
		m.encode(t, now)
	}
	m.order = slices.SortedFunc(maps.Values(m.targets), compareTargets)
	m.shareOut()
	m.publish(now)
	m.signal()
	return slices.DeleteFunc(ended, func(s *session) bool { return s == nil })
}

// paceChanged tells whether sessions have to be made anew.
func paceChanged(before, after config.Settings) bool {
	return before.PollingInterval != after.PollingInterval || before.ConnectionTimeout != after.ConnectionTimeout
}

// signal wakes Run to look at the targets again.
func (m *Monitor) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// catchUp takes over what another process changed. What cannot be read leaves in force what is.
func (m *Monitor) catchUp(ctx context.Context) {
	if m.changing.enter(ctx) != nil {
		return
	}
	defer m.changing.leave()
	heads, err := m.opt.Store.Heads(ctx, systemGroup)
	if err != nil {
		m.noteStore(ctx, err)
		return
	}
	m.noteReading(ctx)
	switch {
	case heads[0].IsZero() && m.opt.Shared:
		m.putBack(ctx, &registry{})
		return
	case heads[0].IsZero():
		m.noteConfig(errEmptied)
		return
	case m.adopted != nil && heads[0] == m.adopted.rev:
		m.noteConfig(nil)
		return
	}
	r, err := m.readRegistry(ctx)
	if err == nil && m.opt.Shared && !r.whole() {
		m.awaitWhole(ctx)
		return
	}
	if err == nil && m.opt.Shared && m.emptied(r) {
		m.putBack(ctx, r)
		return
	}
	if err == nil {
		m.halfway = time.Time{}
		var memories map[estate.TargetID]memory
		if memories, err = m.remember(ctx, r); err == nil {
			m.adopt(r, memories)
		}
	}
	if !errors.Is(err, ErrUnavailable) {
		m.noteConfig(err)
	}
}

// drop removes everything learned about a target that is configured no longer. No pass over it is under way.
func (m *Monitor) drop(ctx context.Context, id estate.TargetID) {
	err := m.flushing.enter(ctx)
	if err == nil {
		err = m.opt.Store.Drop(ctx, string(id))
		m.flushing.leave()
	}
	if err != nil {
		// Its configuration is gone, and its number is never used again: the next start tries again.
		m.log.Warn("what was learned about a removed target stays in the store for now", "target", id, "err", err)
	}
}

// sweep removes what is left of targets that are configured no longer: declared ones, and those whose removal was cut
// short.
func (m *Monitor) sweep(ctx context.Context, r *registry) {
	var gone []string
	for kind, next := range map[estate.TargetKind]int{estate.PVE: r.counters.PVE, estate.PBS: r.counters.PBS} {
		for n := range next {
			if id := estate.NewTargetID(kind, n); r.targets[id].ID == "" {
				gone = append(gone, string(id))
			}
		}
	}
	heads, err := m.opt.Store.Heads(ctx, gone...)
	if err != nil {
		m.log.Warn("what was learned about removed targets stays in the store for now", "err", err)
		return
	}
	for i, head := range heads {
		if !head.IsZero() {
			m.drop(ctx, estate.TargetID(gone[i]))
		}
	}
}
