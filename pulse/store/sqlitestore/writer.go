package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// writer is the one connection through which this process writes.
type writer struct {
	db    *sql.DB
	lock  chan struct{} // holds a token while somebody writes; a channel, since waiting for it ends with a context
	conn  *sql.Conn     // nil until first used, and after an error that left its state unknown
	stmts *statements   // of conn
	full  bool          // whether conn syncs at each commit

	nextSweep time.Time
}

func newWriter(path string, opt Options) (*writer, error) {
	// The journal is moved into the file every 2000 pages and then shortened to what an ordinary day leaves.
	pragmas := []string{"synchronous(NORMAL)", "wal_autocheckpoint(2000)", "journal_size_limit(8388608)", "cache_size(-4096)"}
	if opt.MaxPages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count(%d)", opt.MaxPages))
	}
	db, err := sql.Open("sqlite", dsn(path, opt.Patience, pragmas...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &writer{db: db, lock: make(chan struct{}, 1)}, nil
}

// prepare brings the file to the latest version.
func (w *writer) prepare(ctx context.Context) error {
	if err := w.acquire(ctx); err != nil {
		return err
	}
	defer w.release()
	return prepareSchema(ctx, w.conn)
}

func (w *writer) acquire(ctx context.Context) error {
	select {
	case w.lock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		w.release()
		return err
	}
	w.conn, w.full = conn, false
	w.stmts = &statements{prepare: conn.PrepareContext}
	return nil
}

func (w *writer) release() { <-w.lock }

// discard closes a connection whose state is not known; the next call opens another.
func (w *writer) discard() {
	w.stmts.close()
	_ = w.conn.Close() // it goes back to the pool
	w.db.SetMaxIdleConns(0)
	w.db.SetMaxIdleConns(1)
	w.conn = nil
}

func (w *writer) close() {
	if w.conn != nil {
		w.stmts.close()
		_ = w.conn.Close() // nothing is under way; what was committed is in the journal
	}
	_ = w.db.Close()
}

// tx is a transaction that holds the write lock.
type tx struct {
	stmts *statements
	now   time.Time // by which things expire in it
	nowMS int64
}

// write runs f in a transaction, which is rolled back if f fails.
//
// The context can end the wait for the write lock, but nothing after: a write takes milliseconds, and one that is not
// interrupted has a known outcome.
func (s *Store) write(ctx context.Context, durable bool, f func(ctx context.Context, t *tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	w := s.writer
	if err := w.acquire(ctx); err != nil {
		return translate(ctx, err)
	}
	defer w.release()
	if err := w.begin(ctx, durable); err != nil {
		return translate(ctx, err)
	}
	calm := context.WithoutCancel(ctx)
	now := s.now()
	if err := f(calm, &tx{stmts: w.stmts, now: now, nowMS: now.UnixMilli()}); err != nil {
		w.rollback(calm)
		return translate(calm, err)
	}
	if _, err := w.conn.ExecContext(calm, "COMMIT"); err != nil {
		w.rollback(calm)
		return translate(calm, err)
	}
	if !now.Before(w.nextSweep) {
		w.nextSweep = now.Add(sweepEvery)
		w.sweep(calm, now)
	}
	return nil
}

// begin takes the write lock at once: a transaction that reads first and writes later fails without waiting if another
// process wrote in between.
func (w *writer) begin(ctx context.Context, durable bool) error {
	if w.full != durable {
		mode := "PRAGMA synchronous = NORMAL"
		if durable {
			mode = "PRAGMA synchronous = FULL"
		}
		if _, err := w.conn.ExecContext(ctx, mode); err != nil {
			return err
		}
		w.full = durable
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		w.rollback(context.WithoutCancel(ctx)) // an interrupted BEGIN may have begun
		return err
	}
	return nil
}

// rollback ends the transaction, unless SQLite did so already, as it does when the disk is full.
func (w *writer) rollback(ctx context.Context) {
	_, err := w.conn.ExecContext(ctx, "ROLLBACK")
	if err != nil && code(err) != lib.SQLITE_ERROR {
		w.discard()
	}
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := t.stmts.get(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// row reads one row; found is false if there is none.
func (t *tx) row(ctx context.Context, query string, args []any, dst ...any) (found bool, err error) {
	stmt, err := t.stmts.get(ctx, query)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(ctx, args...).Scan(dst...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// expiry gives the column value for a time to live: the first full millisecond at or after its end.
func (t *tx) expiry(ttl time.Duration) sql.NullInt64 {
	if ttl <= 0 {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: ceilMS(t.now.Add(ttl)), Valid: true}
}

func ceilMS(at time.Time) int64 {
	ms := at.UnixMilli()
	if at.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

// head is a group's row.
type head struct {
	id  int64
	rev store.Revision
}

func (t *tx) head(ctx context.Context, group string) (head, error) {
	var h head
	var epoch int64
	found, err := t.row(ctx, "SELECT id, epoch, n FROM grp WHERE name = ?", []any{group}, &h.id, &epoch, &h.rev.N)
	if !found {
		return head{}, err
	}
	h.rev.Epoch = uint64(epoch) //nolint:gosec // the same 64 bits; SQLite's integers have a sign
	return h, nil
}
