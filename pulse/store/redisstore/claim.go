package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Count implements [store.Store]. A refused count writes nothing.
func (s *Store) Count(ctx context.Context, name string, limit int64, window time.Duration) (bool, time.Duration, error) {
	if err := store.ValidateCount(name, limit, window); err != nil {
		return false, 0, fmt.Errorf("count: %w", err)
	}
	answer, err := s.call(ctx, s.scripts.count, []string{s.keys.counter(name)}, limit, micros(window))
	if err != nil {
		return false, 0, fmt.Errorf("count %q: %w", name, err)
	}
	retry, err := s.wait(answer, 0)
	if err != nil {
		return false, 0, fmt.Errorf("count %q: %w", name, err)
	}
	return retry == 0, retry, nil
}

// wait reads a time in microseconds.
func (s *Store) wait(answer []any, i int) (time.Duration, error) {
	us, err := strconv.ParseInt(text(answer, i), 10, 64)
	if err != nil {
		return 0, s.strange(answer)
	}
	return time.Duration(us) * time.Microsecond, nil
}

// Acquire implements [store.Store]. The lease ends here no later than on the server, whatever the two clocks show.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error) {
	if err := store.ValidateAcquire(name, holder, ttl); err != nil {
		return store.Lease{}, fmt.Errorf("acquire: %w", err)
	}
	before := s.now()
	answer, err := s.call(ctx, s.scripts.acquire, []string{s.keys.lease(name)}, holder, micros(ttl))
	if err != nil {
		return store.Lease{}, fmt.Errorf("acquire lease %q: %w", name, err)
	}
	if len(answer) == 0 {
		return store.Lease{Name: name, Holder: holder, Until: before.Add(ttl)}, nil
	}
	left, err := s.wait(answer, 1)
	if err != nil {
		return store.Lease{}, fmt.Errorf("acquire lease %q: %w", name, err)
	}
	held := &store.LeaseHeldError{Name: name, Holder: text(answer, 0), Until: s.now().Add(left)}
	return store.Lease{}, fmt.Errorf("acquire: %w", held)
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, l store.Lease) error {
	if err := store.ValidateRelease(l); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if _, err := s.call(ctx, s.scripts.release, []string{s.keys.lease(l.Name)}, l.Holder); err != nil {
		return fmt.Errorf("release lease %q: %w", l.Name, err)
	}
	return nil
}
