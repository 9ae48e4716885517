package redisstore

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/storetest"
)

type harness struct {
	server   *server
	database int
	ahead    atomic.Int64 // by how many milliseconds the clock of its stores is ahead
}

func newHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	h := &harness{}
	h.server, h.database = newDatabase(tb)
	tb.Cleanup(func() { h.Flush(tb) })
	return h
}

func (h *harness) Open(tb testing.TB) store.Store {
	tb.Helper()
	s, err := Open(tb.Context(), h.server.url(h.database))
	require.NoError(tb, err)
	s.clockOffset = h.ahead.Load
	return s
}

func (h *harness) Advance(d time.Duration) { h.ahead.Add(d.Milliseconds()) }

func (h *harness) Flush(tb testing.TB) {
	tb.Helper()
	client := h.server.admin(tb, h.database)
	require.NoError(tb, client.FlushDB(context.WithoutCancel(tb.Context())).Err())
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newHarness)
}

func FuzzNames(f *testing.F) { storetest.Fuzz(f, newHarness) }

func BenchmarkStore(b *testing.B) { storetest.Benchmarks(b, newHarness) }
