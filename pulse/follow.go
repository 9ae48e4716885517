package pulse

import (
	"context"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// watchEvery is how often a cluster's task list is read between passes.
const watchEvery = 2 * time.Second

// followers are the goroutines that read targets, one for each target.
type followers struct {
	m       *Monitor
	running map[estate.TargetID]follower
	wg      sync.WaitGroup
}

// follower is one goroutine that reads one target.
type follower struct {
	stop context.CancelFunc
	poke chan struct{} // the target's
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
	poke := f.m.pokeOf(id)
	if poke == nil {
		return // removed meanwhile
	}
	ctx, cancel := context.WithCancel(ctx)
	f.running[id] = follower{stop: cancel, poke: poke}
	f.wg.Go(func() {
		defer cancel()
		if f.m.opt.Shared {
			f.m.followShared(ctx, id, poke)
		} else {
			f.m.follow(ctx, id, poke)
		}
	})
}

func (m *Monitor) pokeOf(id estate.TargetID) chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.targets[id]; t != nil {
		return t.poke
	}
	return nil
}

func (f *followers) stop() {
	for _, running := range f.running {
		running.stop()
	}
	f.wg.Wait()
}

// follow reads one target until ctx ends: a pass at once and then on schedule, the task list in between. A poke has it
// look whether the target was changed, which ended the session it had; then it is read at once.
func (m *Monitor) follow(ctx context.Context, id estate.TargetID, poke <-chan struct{}) {
	next := time.NewTimer(0)
	watch := time.NewTicker(watchEvery)
	defer next.Stop()
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poke:
			if m.sessionOf(id) != nil {
				continue
			}
		case <-watch.C:
			m.watch(ctx, id)
			continue
		case <-next.C:
		}
		m.read(ctx, id, false)
		next.Reset(m.pause(id))
	}
}
