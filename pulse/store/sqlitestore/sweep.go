package sqlitestore

import (
	"context"
	"time"
)

const (
	// sweepEvery is how often what expired is removed for good. Reads never show it anyway.
	sweepEvery = 10 * time.Minute
	// The file gives space back when it holds this many unused pages and they are more than a quarter of it; fewer are
	// soon used again.
	vacuumFromPages = 512
	vacuumShare     = 4
)

// sweep removes what expired. A failure leaves it to the next time: nobody waits for the result.
func (w *writer) sweep(ctx context.Context, now time.Time) {
	if err := w.begin(ctx, false); err != nil {
		return
	}
	t := &tx{stmts: w.stmts, now: now, nowMS: now.UnixMilli()}
	if err := t.removeExpired(ctx); err != nil {
		w.rollback(ctx)
		return
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		w.rollback(ctx)
		return
	}
	w.vacuum(ctx)
}

func (t *tx) removeExpired(ctx context.Context) error {
	// A chunk's blocks lie in a range of ids; see blockID.
	for _, query := range []string{
		`DELETE FROM block WHERE id IN (SELECT b.id FROM chunk c JOIN block b
			ON b.id >= c.id << 32 AND b.id < (c.id + 1) << 32 WHERE c.expires <= ?)`,
		"DELETE FROM chunk WHERE expires <= ?",
		"DELETE FROM item WHERE expires <= ?",
		"DELETE FROM counter WHERE ends <= ?",
		"DELETE FROM lease WHERE until <= ?",
	} {
		if _, err := t.exec(ctx, query, t.nowMS); err != nil {
			return err
		}
	}
	return nil
}

// vacuum gives unused pages back to the file system if there are many. A failure costs space only.
func (w *writer) vacuum(ctx context.Context) {
	var pages, unused int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return
	}
	if err := w.conn.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&unused); err != nil {
		return
	}
	if unused < vacuumFromPages || unused*vacuumShare < pages {
		return
	}
	// At most 32 MiB at a time, since nobody else can write meanwhile; the rest waits for the next sweep.
	if _, err := w.conn.ExecContext(ctx, "PRAGMA incremental_vacuum(16384)"); err != nil {
		return
	}
	// The file shrinks when the journal is moved into it. PASSIVE waits for nobody.
	_, _ = w.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // the next one does it otherwise
}
