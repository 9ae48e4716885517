package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryHarness keeps one store open, so that the data outlives those the suite closes.
type memoryHarness struct {
	root  *store.Memory
	ahead atomic.Int64 // by how many nanoseconds its clock is ahead
}

func newMemoryHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	h := &memoryHarness{}
	h.root = store.NewMemoryWithClock(func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) })
	return h
}

func (h *memoryHarness) Open(testing.TB) store.Store { return h.root.Replica() }

func (h *memoryHarness) Advance(d time.Duration) { h.ahead.Add(int64(d)) }

func (h *memoryHarness) Flush(testing.TB) { h.root.Flush() }

func TestMemoryConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newMemoryHarness)
}

func FuzzMemory(f *testing.F) { storetest.Fuzz(f, newMemoryHarness) }

func BenchmarkMemory(b *testing.B) { storetest.Benchmarks(b, newMemoryHarness) }

func TestMemoryFollowsTheClockOfABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		hints, err := s.Subscribe(ctx)
		require.NoError(t, err)
		_, err = s.Commit(ctx, store.Commit{Group: "g", Ops: []store.Op{{Key: "session", TTL: time.Hour}}})
		require.NoError(t, err)
		time.Sleep(time.Hour - time.Nanosecond)
		g, err := s.Get(ctx, "g", "session")
		require.NoError(t, err)
		require.Len(t, g.Items, 1)
		time.Sleep(time.Nanosecond)
		g, err = s.Get(ctx, "g", "session")
		require.NoError(t, err)
		require.Empty(t, g.Items)
		cancel()
		synctest.Wait()
		_, open := <-hints
		require.False(t, open)
		require.NoError(t, s.Close())
	})
}
