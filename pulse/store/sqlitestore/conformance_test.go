package sqlitestore_test

import (
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
	"github.com/proxpulse/proxpulse/pulse/store/storetest"
)

type harness struct {
	path  string
	ahead atomic.Int64 // by how many nanoseconds the clock of its stores is ahead
}

func newHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	return &harness{path: filepath.Join(tb.TempDir(), "pulse.db")}
}

func (h *harness) Open(tb testing.TB) store.Store {
	tb.Helper()
	s, err := sqlitestore.Open(tb.Context(), h.path, sqlitestore.Options{
		Now:        func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) },
		Patience:   time.Minute,
		WatchEvery: 5 * time.Millisecond,
	})
	require.NoError(tb, err)
	return s
}

func (h *harness) Advance(d time.Duration) { h.ahead.Add(int64(d)) }

func (h *harness) Flush(tb testing.TB) {
	tb.Helper()
	execRaw(tb, h.path, "DELETE FROM grp; DELETE FROM item; DELETE FROM chunk; DELETE FROM block; DELETE FROM counter; DELETE FROM lease")
}

// execRaw changes a file behind a store's back.
func execRaw(tb testing.TB, path, statements string) {
	tb.Helper()
	db, err := sql.Open("sqlite", path+"?_busy_timeout=60000")
	require.NoError(tb, err)
	_, err = db.ExecContext(tb.Context(), statements)
	require.NoError(tb, err)
	require.NoError(tb, db.Close())
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newHarness)
}

func FuzzNames(f *testing.F) { storetest.Fuzz(f, newHarness) }

func BenchmarkStore(b *testing.B) { storetest.Benchmarks(b, newHarness) }
