package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// watcher turns other processes' commits into hints.
type watcher struct {
	every time.Duration

	mu     sync.Mutex
	seen   map[string]store.Revision // nil until the first subscription
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// own notes a change this process made, so that it is not taken for another's. If something else changed in between, the
// note is left out, and the watcher tells of both.
func (w *watcher) own(group string, rev store.Revision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		return
	}
	if rev.IsZero() {
		delete(w.seen, group)
		return
	}
	before := w.seen[group]
	if rev.N == before.N+1 && (before.IsZero() || before.Epoch == rev.Epoch) {
		w.seen[group] = rev
	}
}

func (w *watcher) stop() {
	w.mu.Lock()
	cancel := w.cancel
	w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	w.done.Wait()
}

// Publish implements [store.Store]. Other processes learn of the commit itself, within Options.WatchEvery.
func (s *Store) Publish(ctx context.Context, h store.Hint) error {
	if err := store.ValidateName("group", h.Group); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := s.enter(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer s.gate.RUnlock()
	s.bus.Publish(h)
	return nil
}

// Subscribe implements [store.Store].
func (s *Store) Subscribe(ctx context.Context) (<-chan store.Hint, error) {
	if err := s.enter(ctx); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	defer s.gate.RUnlock()
	if err := s.startWatch(ctx); err != nil {
		return nil, fmt.Errorf("subscribe: %w", translate(ctx, err))
	}
	ch, err := s.bus.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return ch, nil
}

// startWatch starts the watching goroutine once; Close ends it.
func (s *Store) startWatch(ctx context.Context) error {
	w := &s.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen != nil {
		return nil
	}
	conn, err := s.readers.Conn(ctx)
	if err != nil {
		return err
	}
	version, seen, err := observe(ctx, conn, 0)
	if err != nil {
		_ = conn.Close() // the first error tells more
		return err
	}
	w.seen = seen
	var watching context.Context
	watching, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w.done.Go(func() {
		defer func() { _ = conn.Close() }() // it only read
		s.watch(watching, conn, version)
	})
	return nil
}

func (s *Store) watch(ctx context.Context, conn *sql.Conn, version int64) {
	tick := time.NewTicker(s.watcher.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		next, hints, err := s.watcher.look(ctx, conn, version)
		if err != nil {
			continue // the version is still the old one, so the next look finds what this one missed
		}
		version = next
		for _, h := range hints {
			s.bus.Publish(h)
		}
	}
}

// look gives hints of what moved since the last look. It keeps the lock while it reads, so that what is seen is never
// ahead of what was read, whatever this process commits meanwhile.
func (w *watcher) look(ctx context.Context, conn *sql.Conn, known int64) (version int64, hints []store.Hint, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	version, heads, err := observe(ctx, conn, known)
	if err != nil || version == known {
		return known, nil, err
	}
	for group, rev := range heads {
		if w.seen[group] != rev {
			hints = append(hints, store.Hint{Group: group, Rev: rev})
		}
	}
	for group := range w.seen {
		if _, ok := heads[group]; !ok {
			hints = append(hints, store.Hint{Group: group})
		}
	}
	w.seen = heads
	return version, hints, nil
}

// observe reads the version of the file, which changes with every commit of another connection, and all heads if it is
// not the one known. The version is read first: a commit in between is seen again at the next look.
func observe(ctx context.Context, conn *sql.Conn, known int64) (int64, map[string]store.Revision, error) {
	var version int64
	if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil || version == known {
		return version, nil, err
	}
	rows, err := conn.QueryContext(ctx, "SELECT name, epoch, n FROM grp")
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has told
	heads := make(map[string]store.Revision)
	for rows.Next() {
		if err := scanHead(rows, heads); err != nil {
			return 0, nil, err
		}
	}
	return version, heads, rows.Err()
}
