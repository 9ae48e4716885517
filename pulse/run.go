package pulse

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

const (
	// watchEvery is how often a cluster's task list is read between passes.
	watchEvery = 2 * time.Second
	// refreshEvery is how often readings are judged again without news, so that they turn stale while a target hangs.
	refreshEvery = 5 * time.Second
	// flushEvery is how often it is looked what has to be written.
	flushEvery = 10 * time.Second
	// stopLimit bounds the last write at the end of Run.
	stopLimit = 15 * time.Second
	// maxBackOff is the longest time between two tries of a target that fails.
	maxBackOff = time.Minute
	// parallelPolls bounds how many targets Poll reads side by side.
	parallelPolls = 32
)

// Run reads all targets on their schedules until ctx ends, and follows changes of the configuration meanwhile. It
// returns after everything it started has ended and what was observed is written. The error is that of [Monitor.Load],
// or nil.
func (m *Monitor) Run(ctx context.Context) error {
	if err := m.Load(ctx); err != nil {
		return err
	}
	followers := newFollowers(m)
	refresh, flush := time.NewTicker(refreshEvery), time.NewTicker(flushEvery)
	defer refresh.Stop()
	defer flush.Stop()
	for {
		followers.match(ctx, m.targetIDs())
		select {
		case <-ctx.Done():
			followers.stop()
			m.finish(ctx)
			return nil
		case <-m.wake:
		case <-refresh.C:
			m.refresh()
		case <-flush.C:
			m.flush(ctx, false)
		}
	}
}

// finish writes everything and ends all sessions.
func (m *Monitor) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	m.flush(ctx, true)
	m.mu.Lock()
	var sessions []*session
	for _, t := range m.targets {
		if t.session != nil {
			sessions = append(sessions, t.session)
			t.session = nil
		}
	}
	m.mu.Unlock()
	for _, s := range sessions {
		s.close()
	}
}

func (m *Monitor) targetIDs() []estate.TargetID {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]estate.TargetID, 0, len(m.targets))
	for id := range m.targets {
		ids = append(ids, id)
	}
	return ids
}

// refresh judges all readings again.
func (m *Monitor) refresh() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, t := range m.targets {
		m.encode(t, now)
	}
	m.publish(now)
}

// followers are the goroutines that read targets, one for each target.
type followers struct {
	m       *Monitor
	running map[estate.TargetID]follower
	wg      sync.WaitGroup
}

// follower is one goroutine that reads one target.
type follower struct {
	stop context.CancelFunc
	poke chan struct{}
}

func newFollowers(m *Monitor) *followers {
	return &followers{m: m, running: map[estate.TargetID]follower{}}
}

// match starts and ends goroutines so that each target has one, and has them look for changes.
func (f *followers) match(ctx context.Context, ids []estate.TargetID) {
	wanted := make(map[estate.TargetID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
		if _, ok := f.running[id]; !ok {
			f.start(ctx, id)
		}
	}
	for id, running := range f.running {
		if !wanted[id] {
			running.stop()
			delete(f.running, id)
			continue
		}
		select {
		case running.poke <- struct{}{}:
		default:
		}
	}
}

func (f *followers) start(ctx context.Context, id estate.TargetID) {
	ctx, cancel := context.WithCancel(ctx)
	poke := make(chan struct{}, 1)
	f.running[id] = follower{stop: cancel, poke: poke}
	f.wg.Go(func() {
		defer cancel()
		f.m.follow(ctx, id, poke)
	})
}

func (f *followers) stop() {
	for _, running := range f.running {
		running.stop()
	}
	f.wg.Wait()
}

// follow reads one target until ctx ends: a pass at once and then on schedule, the task list in between. A poke has it
// look whether the target was changed; then it is read at once.
func (m *Monitor) follow(ctx context.Context, id estate.TargetID, poke <-chan struct{}) {
	var current *session
	next := time.NewTimer(0)
	watch := time.NewTicker(watchEvery)
	defer next.Stop()
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			if current != nil {
				current.close()
			}
			return
		case <-poke:
			if m.isCurrent(current) {
				continue
			}
		case <-watch.C:
			if current != nil && current.id.Kind() == estate.PVE {
				m.report(ctx, id, m.watch(ctx, current))
			}
			continue
		case <-next.C:
		}
		current = m.readNow(ctx, id, current)
		next.Reset(m.pause(id))
	}
}

// readNow makes a pass with the target's session, which is a new one after a change; the old one is closed.
func (m *Monitor) readNow(ctx context.Context, id estate.TargetID, old *session) *session {
	s, err := m.open(ctx, id)
	if old != nil && old != s {
		old.close()
	}
	if err != nil {
		m.report(ctx, id, err)
		return nil
	}
	m.report(ctx, id, m.pass(ctx, s))
	return s
}

// report logs what stood in the way of reading a target, unless it is a change of the target or the end.
func (m *Monitor) report(ctx context.Context, id estate.TargetID, err error) {
	if err == nil || ctx.Err() != nil ||
		errors.Is(err, errChanged) || errors.Is(err, ErrNotFound) || errors.Is(err, context.Canceled) {
		return
	}
	m.log.Warn("target cannot be read", "target", id, "err", err)
}

func (m *Monitor) isCurrent(s *session) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == nil {
		return false
	}
	t := m.targets[s.id]
	return t != nil && t.session == s
}

// pause returns the time until a target's next pass: its interval, longer after failures, and a little more or less
// each time so that several targets, and several monitors, do not keep step.
func (m *Monitor) pause(id estate.TargetID) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	if t == nil {
		return maxBackOff // about to be stopped
	}
	failures := 0
	reason := estate.Reason("")
	if t.obs != nil {
		failures, reason = t.obs.Poll.Failures, t.obs.Poll.Reason
	}
	return jitter(backOff(m.interval(t), failures, reason), rand.Float64()) //nolint:gosec // spreads load, guards nothing
}

// backOff returns how long to wait after a number of failed passes in a row: twice as long after each from the second
// on, up to a minute or the interval. Rejected credentials are not tried more often than once a minute, since Proxmox
// logs each try and may block the address.
func backOff(interval time.Duration, failures int, reason estate.Reason) time.Duration {
	ceiling := max(interval, maxBackOff)
	if failures > 0 && reason == estate.ReasonUnauthorized {
		return ceiling
	}
	wait := interval
	for range failures - 1 {
		if wait *= 2; wait >= ceiling {
			return ceiling
		}
	}
	return wait
}

// jitter moves a wait by up to 5 % either way; random is from 0 to 1.
func jitter(wait time.Duration, random float64) time.Duration {
	return wait + time.Duration((random-0.5)*0.1*float64(wait))
}

// Poll makes one pass over every target that is due and returns when all are done; a target is due when its interval
// has passed since its last pass. What was observed is written before Poll returns. A target that does not answer is no
// error, it shows in the snapshot; the error is that of [Monitor.Load], of ctx, or of the store.
func (m *Monitor) Poll(ctx context.Context) error {
	if err := m.Load(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallelPolls)
	for _, id := range m.targetIDs() {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			m.pollOnce(ctx, id)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.flush(ctx, true)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.storeErr
}

func (m *Monitor) pollOnce(ctx context.Context, id estate.TargetID) {
	s, err := m.open(ctx, id)
	if err != nil {
		m.report(ctx, id, err)
		return
	}
	s.passing.Lock()
	due := !time.Now().Before(s.due)
	s.passing.Unlock()
	if due {
		m.report(ctx, id, m.pass(ctx, s))
	}
}
