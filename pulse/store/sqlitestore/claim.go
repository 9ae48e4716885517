package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Count implements [store.Store]. A refused count writes nothing.
func (s *Store) Count(ctx context.Context, name string, limit int64, window time.Duration) (bool, time.Duration, error) {
	if err := store.ValidateCount(name, limit, window); err != nil {
		return false, 0, fmt.Errorf("count: %w", err)
	}
	retry, err := s.exhausted(ctx, name, limit)
	if err != nil || retry > 0 {
		return false, retry, err
	}
	err = s.write(ctx, false, func(ctx context.Context, t *tx) error {
		var count, ends int64
		found, err := t.row(ctx, "SELECT count, ends FROM counter WHERE name = ? AND ends > ?", []any{name, t.nowMS}, &count, &ends)
		if err != nil {
			return err
		}
		if !found {
			count, ends = 0, ceilMS(t.now.Add(window))
		}
		if count >= limit {
			retry = time.UnixMilli(ends).Sub(t.now)
			return nil
		}
		_, err = t.exec(ctx, "INSERT OR REPLACE INTO counter (name, count, ends) VALUES (?, ?, ?)", name, count+1, ends)
		return err
	})
	if err != nil {
		return false, 0, fmt.Errorf("count %q: %w", name, err)
	}
	return retry == 0, retry, nil
}

// exhausted gives the time until a counter that has reached its limit ends, without taking the write lock: whoever is
// refused again and again costs nothing.
func (s *Store) exhausted(ctx context.Context, name string, limit int64) (retry time.Duration, err error) {
	now := s.now()
	err = s.query(ctx, "SELECT ends FROM counter WHERE name = ? AND count >= ? AND ends > ?", func(rows *sql.Rows) error {
		var ends int64
		if err := rows.Scan(&ends); err != nil {
			return err
		}
		retry = time.UnixMilli(ends).Sub(now)
		return nil
	}, name, limit, now.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("count %q: %w", name, err)
	}
	return retry, nil
}

// Acquire implements [store.Store].
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error) {
	if err := store.ValidateAcquire(name, holder, ttl); err != nil {
		return store.Lease{}, fmt.Errorf("acquire: %w", err)
	}
	var lease store.Lease
	err := s.write(ctx, false, func(ctx context.Context, t *tx) error {
		var other string
		var until int64
		found, err := t.row(ctx, "SELECT holder, until FROM lease WHERE name = ? AND holder <> ? AND until > ?",
			[]any{name, holder, t.nowMS}, &other, &until)
		if err != nil {
			return err
		}
		if found {
			return &store.LeaseHeldError{Name: name, Holder: other, Until: time.UnixMilli(until).UTC()}
		}
		end := ceilMS(t.now.Add(ttl))
		lease = store.Lease{Name: name, Holder: holder, Until: time.UnixMilli(end).UTC()}
		_, err = t.exec(ctx, "INSERT OR REPLACE INTO lease (name, holder, until) VALUES (?, ?, ?)", name, holder, end)
		return err
	})
	if err != nil {
		return store.Lease{}, fmt.Errorf("acquire: %w", err)
	}
	return lease, nil
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, l store.Lease) error {
	if err := store.ValidateRelease(l); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	err := s.write(ctx, false, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM lease WHERE name = ? AND holder = ?", l.Name, l.Holder)
		return err
	})
	if err != nil {
		return fmt.Errorf("release lease %q: %w", l.Name, err)
	}
	return nil
}
