package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

const (
	racers = 6  // goroutines, spread over two stores
	laps   = 15 // what each of them does
)

func raceChecks() []check {
	return []check{
		{"OneCreatorWins", oneCreatorWins},
		{"NoIncrementIsLost", noIncrementIsLost},
		{"NoAppendIsLost", noAppendIsLost},
		{"ReadingsAreNeverTorn", readingsAreNeverTorn},
		{"CommitAndDrop", commitAndDrop},
		{"OneLeaseHolder", oneLeaseHolder},
		{"CounterNeverExceedsItsLimit", counterNeverExceeds},
	}
}

// race runs f in several goroutines on two stores over the same data and waits for them.
func race(t *testing.T, h Harness, f func(s store.Store, racer int)) store.Store {
	t.Helper()
	stores := []store.Store{open(t, h), open(t, h)}
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() { f(stores[i%len(stores)], i) })
	}
	wg.Wait()
	return stores[0]
}

func oneCreatorWins(t *testing.T, h Harness) {
	var won atomic.Int64
	s := race(t, h, func(s store.Store, _ int) {
		for lap := range laps {
			_, err := s.Commit(t.Context(), store.Commit{Group: fmt.Sprint("g", lap), Ops: []store.Op{{Key: "a"}}})
			if err == nil {
				won.Add(1)
				continue
			}
			assert.ErrorIs(t, err, store.ErrConflict)
		}
	})
	require.EqualValues(t, laps, won.Load())
	require.Equal(t, uint64(1), head(t, s, "g0").N)
}

// increment adds one to a decimal number and retries on conflicts.
func increment(ctx context.Context, s store.Store) error {
	for {
		g, err := s.Get(ctx, "g", "n")
		if err != nil {
			return err
		}
		op := store.Op{Key: "n"}
		n := 0
		if len(g.Items) > 0 {
			op.Rev = g.Items[0].Rev
			if n, err = strconv.Atoi(string(g.Items[0].Value)); err != nil {
				return err
			}
		}
		op.Value = []byte(strconv.Itoa(n + 1))
		_, err = s.Commit(ctx, store.Commit{Group: "g", Epoch: g.Rev.Epoch, Ops: []store.Op{op}})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func noIncrementIsLost(t *testing.T, h Harness) {
	s := race(t, h, func(s store.Store, _ int) {
		for range laps {
			assert.NoError(t, increment(t.Context(), s))
		}
	})
	require.Equal(t, strconv.Itoa(racers*laps), string(get(t, s, "g", "n").Value))
	require.Equal(t, uint64(racers*laps), head(t, s, "g").N)
}

func noAppendIsLost(t *testing.T, h Harness) {
	id := store.ChunkID{Group: "g", Name: "c"}
	rev := put(t, open(t, h), "g", "a", "1")
	s := race(t, h, func(s store.Store, racer int) {
		for lap := 0; lap < laps; {
			mark := []byte{byte(racer), byte(lap)} //nolint:gosec // both are small
			_, size, err := s.ReadChunk(t.Context(), id, 0, 0)
			if !assert.NoError(t, err) {
				return
			}
			_, err = s.Commit(t.Context(), store.Commit{
				Group: "g", Epoch: rev.Epoch, Appends: []store.Append{{Chunk: "c", At: size, Data: mark}},
			})
			if err == nil {
				lap++
				continue
			}
			if !assert.ErrorIs(t, err, store.ErrConflict) {
				return
			}
		}
	})
	data, _, err := s.ReadChunk(t.Context(), id, 0, -1)
	require.NoError(t, err)
	require.Len(t, data, 2*racers*laps)
	next := make([]byte, racers)
	for pair := range slices.Chunk(data, 2) {
		require.Equal(t, next[pair[0]], pair[1], "appends of one writer keep their order")
		next[pair[0]]++
	}
}

func readingsAreNeverTorn(t *testing.T, h Harness) {
	put(t, open(t, h), "g", "a", "0", "b", "0")
	race(t, h, func(s store.Store, racer int) {
		for lap := range laps {
			if racer%2 == 0 {
				v := strconv.Itoa(racer*laps + lap)
				g, err := s.Get(t.Context(), "g")
				assert.NoError(t, err)
				_, err = s.Commit(t.Context(), store.Commit{
					Group: "g", Epoch: g.Rev.Epoch,
					Ops: []store.Op{{Key: "a", Any: true, Value: []byte(v)}, {Key: "b", Any: true, Value: []byte(v)}},
				})
				assert.NoError(t, err)
				continue
			}
			g, err := s.Get(t.Context(), "g", "a", "b")
			if !assert.NoError(t, err) || !assert.Len(t, g.Items, 2) {
				return
			}
			assert.Equal(t, g.Items[0].Value, g.Items[1].Value)
			assert.Equal(t, []store.Revision{g.Rev, g.Rev}, []store.Revision{g.Items[0].Rev, g.Items[1].Rev})
			list, err := s.List(t.Context(), "g", "")
			if assert.NoError(t, err) && assert.Len(t, list.Items, 2) {
				assert.Equal(t, []store.Revision{list.Rev, list.Rev}, []store.Revision{list.Items[0].Rev, list.Items[1].Rev})
			}
		}
	})
}

func commitAndDrop(t *testing.T, h Harness) {
	var epochs sync.Map
	race(t, h, func(s store.Store, racer int) {
		for range laps {
			if racer == 0 {
				assert.NoError(t, s.Drop(t.Context(), "g"))
				continue
			}
			g, err := s.Get(t.Context(), "g")
			assert.NoError(t, err)
			rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: g.Rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
			if err != nil {
				assert.True(t, errors.Is(err, store.ErrGone) || errors.Is(err, store.ErrConflict), "%v", err)
				continue
			}
			if g.Rev.IsZero() {
				_, used := epochs.LoadOrStore(rev.Epoch, true)
				assert.False(t, used, "epoch used twice")
			}
		}
	})
}

func oneLeaseHolder(t *testing.T, h Harness) {
	var won atomic.Int64
	race(t, h, func(s store.Store, racer int) {
		for lap := range laps {
			_, err := s.Acquire(t.Context(), fmt.Sprint("lease", lap), fmt.Sprint("holder", racer), time.Hour)
			if err == nil {
				won.Add(1)
				continue
			}
			assert.ErrorIs(t, err, store.ErrLeaseHeld)
		}
	})
	require.EqualValues(t, laps, won.Load())
}

func counterNeverExceeds(t *testing.T, h Harness) {
	var passed atomic.Int64
	const limit = racers * laps / 2
	race(t, h, func(s store.Store, _ int) {
		for range laps {
			ok, _, err := s.Count(t.Context(), "c", limit, time.Hour)
			assert.NoError(t, err)
			if ok {
				passed.Add(1)
			}
		}
	})
	require.EqualValues(t, limit, passed.Load())
}
