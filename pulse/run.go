package pulse

import (
	"context"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

const (
	// refreshEvery is how often readings are judged again without news, so that they turn stale while a target hangs.
	refreshEvery = 5 * time.Second
	// flushEvery is how often it is looked what has to be written, and what another process changed.
	flushEvery = 10 * time.Second
	// stopLimit bounds the last write at the end of Run.
	stopLimit = 15 * time.Second
	// parallelPolls bounds how many targets Poll reads side by side.
	parallelPolls = 32
)

// Run reads all targets on their schedules until ctx ends, and follows changes of the configuration meanwhile, also
// those that another process makes in the same store. It returns after everything it started has ended and what was
// observed is written. The error is that of [Monitor.Load], [ErrRunning], or nil.
func (m *Monitor) Run(ctx context.Context) error {
	if !m.running.TryLock() {
		return ErrRunning
	}
	defer m.running.Unlock()
	if err := m.Load(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { m.followTargets(ctx) })
	wg.Go(func() { m.keepStore(ctx) })
	if m.opt.Shared && m.opt.Role.polls() {
		wg.Go(func() { m.takePart(ctx) })
	}
	wg.Wait()
	m.finish(ctx)
	return nil
}

// followTargets keeps one goroutine for each target.
func (m *Monitor) followTargets(ctx context.Context) {
	followers := newFollowers(m)
	defer followers.stop()
	followers.match(ctx, m.targetIDs())
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
			followers.match(ctx, m.targetIDs())
		case <-refresh.C:
			m.judgeAgain()
		}
	}
}

// keepStore writes what is due and takes over what other processes change, beside the reading, which no store delays.
func (m *Monitor) keepStore(ctx context.Context) {
	hints, err := m.opt.Store.Subscribe(ctx)
	if err != nil {
		hints = nil // the configuration is compared at each tick all the same
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case hint, open := <-hints:
			switch {
			case !open:
				hints = nil
			case hint.Group == "":
				m.followStore(ctx)
			case hint.Group == systemGroup:
				m.catchUp(ctx)
			default:
				m.noteMove(hint)
			}
		case <-tick.C:
			m.keep(ctx, false)
			m.followStore(ctx)
		}
	}
}

// keep writes what is due. When the store failed before, everything is due, and with nothing to write it is tried
// whether it works again.
func (m *Monitor) keep(ctx context.Context, everything bool) {
	failed := m.storeFailure() != nil
	if wrote := m.flush(ctx, everything || failed); failed && !wrote {
		m.noteStore(ctx, m.tryStore(ctx))
	}
}

// trialGroup is written to find out whether the store works.
const trialGroup = "trial"

func (m *Monitor) tryStore(ctx context.Context) error {
	heads, err := m.opt.Store.Heads(ctx, trialGroup)
	if err != nil {
		return err
	}
	_, err = m.opt.Store.Commit(ctx, store.Commit{
		Group: trialGroup, Epoch: heads[0].Epoch, Durable: true,
		Ops: []store.Op{{Key: "last", Any: true, Value: []byte(time.Now().UTC().Format(time.RFC3339))}},
	})
	if raced(err) {
		return nil // another process just wrote it
	}
	return err
}

// finish writes everything and ends all sessions.
func (m *Monitor) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	m.flush(ctx, true)
	m.mu.Lock()
	var ended []*session
	for _, t := range m.order {
		if t.session != nil {
			ended = append(ended, t.session)
			t.session = nil
		}
	}
	m.mu.Unlock()
	closeAll(ended)
}

func (m *Monitor) targetIDs() []estate.TargetID {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]estate.TargetID, len(m.order))
	for i, t := range m.order {
		ids[i] = t.cfg.ID
	}
	return ids
}

// judgeAgain judges all readings again.
func (m *Monitor) judgeAgain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.publish(time.Now())
}

// Poll makes one pass over every target that is due and returns when all are done; a target is due when its interval
// has passed since its last pass, and later while it fails. Of a shared store, a target that another process reads at the
// moment, or has read, is not due. What was observed is written before Poll returns, and the
// connections stay for the next Poll until they are idle for too long. A target that does not answer is no error, it
// shows in the snapshot; the error is that of [Monitor.Load], of ctx, or of the store.
func (m *Monitor) Poll(ctx context.Context) error {
	if err := m.Load(ctx); err != nil {
		return err
	}
	m.catchUp(ctx)
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallelPolls)
	for _, id := range m.targetIDs() {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			m.read(ctx, id, true)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.keep(ctx, true)
	if m.opt.Shared {
		m.rereadAll(ctx, m.findMoved(ctx)) // what other processes read
	}
	return m.storeFailure()
}
