package pulse

import (
	"context"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

const (
	// tryAgain is the time until a pass is tried again that another process stood in the way of.
	tryAgain = time.Second
	// parallelRereads bounds how many targets are read from the store side by side.
	parallelRereads = 8
)

// followShared shows what is written about one target of a shared store, and reads the target while it is this
// process's, until ctx ends.
func (m *Monitor) followShared(ctx context.Context, id estate.TargetID, poke <-chan struct{}) {
	next := time.NewTimer(0)
	watch := time.NewTicker(watchEvery)
	defer next.Stop()
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poke:
			m.rereadMoved(ctx, id)
		case <-watch.C:
			if m.mine(id) {
				m.watch(ctx, id)
			}
			continue
		case <-next.C:
			if m.mine(id) {
				m.read(ctx, id, true)
			}
		}
		if m.mine(id) {
			next.Reset(m.untilDue(id))
		} else {
			m.retire(id)
			next.Stop()
		}
	}
}

// untilDue returns the time until a target's next pass, by whichever process the last one was made.
func (m *Monitor) untilDue(id estate.TargetID) time.Duration {
	wait := m.pause(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	switch {
	case t == nil:
		return maxBackOff // about to be stopped
	case t.obs == nil, t.changed:
		if t.attempted.IsZero() {
			return 0
		}
		return max(time.Until(t.attempted.Add(tryAgain)), 0)
	}
	since := time.Since(t.obs.Poll.Started)
	if since < -clockLead || since >= wait {
		return max(time.Until(t.attempted.Add(tryAgain)), 0)
	}
	return wait - since
}

// retire ends the session of a target that another process reads now.
func (m *Monitor) retire(id estate.TargetID) {
	m.mu.Lock()
	var s *session
	if t := m.targets[id]; t != nil {
		s, t.session = t.session, nil
	}
	m.mu.Unlock()
	if s != nil {
		s.close()
	}
}

// noteMove has a target's group read again, unless it was already read as far as the hint says.
func (m *Monitor) noteMove(hint store.Hint) {
	if !m.opt.Shared {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[estate.TargetID(hint.Group)]
	if t == nil || hint.Rev == t.memory.head {
		return
	}
	if head := t.memory.head; head.Epoch == hint.Rev.Epoch && head.N > hint.Rev.N {
		return
	}
	t.moved = true
	t.look()
}

// rereadMoved reads a target's group again if it moved.
func (m *Monitor) rereadMoved(ctx context.Context, id estate.TargetID) {
	m.mu.Lock()
	t := m.targets[id]
	moved := t != nil && t.moved
	m.mu.Unlock()
	if !moved {
		return
	}
	if err := m.reread(ctx, id); err != nil {
		m.log.Debug("what other processes observed was not read", "target", id, "err", err)
	}
}

// followStore takes over what other processes changed and observed, hints or not.
func (m *Monitor) followStore(ctx context.Context) {
	m.catchUp(ctx)
	if !m.opt.Shared {
		return
	}
	for _, id := range m.findMoved(ctx) {
		m.mu.Lock()
		if t := m.targets[id]; t != nil {
			t.moved = true
			t.look()
		}
		m.mu.Unlock()
	}
}

// findMoved returns the targets whose groups are not as they were read last, in one round trip.
func (m *Monitor) findMoved(ctx context.Context) []estate.TargetID {
	m.mu.Lock()
	groups := make([]string, len(m.order))
	known := make([]store.Revision, len(m.order))
	for i, t := range m.order {
		groups[i], known[i] = string(t.cfg.ID), t.memory.head
	}
	m.mu.Unlock()
	if len(groups) == 0 {
		return nil
	}
	heads, err := m.opt.Store.Heads(ctx, groups...)
	if err != nil {
		m.noteStore(ctx, err)
		return nil
	}
	m.noteReading(ctx)
	var moved []estate.TargetID
	for i, head := range heads {
		if head != known[i] {
			moved = append(moved, estate.TargetID(groups[i]))
		}
	}
	return moved
}

// Refresh brings the snapshot up to date with a shared store: what other processes changed and observed. It is for a
// process that does not [Monitor.Run], as one that is only started to answer a request. When nothing moved it takes two
// round trips. While the store is away the snapshot stays and turns stale; the error is then [ErrUnavailable], and before
// the first success that of [Monitor.Load].
func (m *Monitor) Refresh(ctx context.Context) error {
	if err := m.Load(ctx); err != nil {
		return err
	}
	m.catchUp(ctx)
	m.rereadAll(ctx, m.findMoved(ctx))
	m.judgeAgain()
	if err := m.storeFailure(); err != nil {
		return m.unavailable(ctx, err)
	}
	return ctx.Err()
}

// rereadAll takes over what other processes wrote about targets, several side by side.
func (m *Monitor) rereadAll(ctx context.Context, moved []estate.TargetID) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallelRereads)
	for _, id := range moved {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := m.reread(ctx, id); err != nil {
				m.log.Debug("what other processes observed was not read", "target", id, "err", err)
			}
		})
	}
	wg.Wait()
}
