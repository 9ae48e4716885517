package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func closeChecks() []check {
	return []check{
		{"EveryCallAfterCloseSaysSo", callsAfterClose},
		{"CloseDuringUse", closeDuringUse},
		{"CloseEndsSubscriptions", closeEndsSubscriptions},
		{"CloseLeavesReplicasAlone", closeLeavesReplicas},
	}
}

func contextChecks() []check {
	return []check{
		{"EndedContextStopsEveryCall", endedContext},
		{"CancelledWritesAreWholeOrNothing", cancelledWrites},
	}
}

// call is one method with arguments that would succeed.
type call struct {
	name string
	do   func(ctx context.Context, s store.Store) error
}

func everyCall() []call {
	id := store.ChunkID{Group: "g", Name: "c"}
	return []call{
		{"Heads", func(ctx context.Context, s store.Store) error { _, err := s.Heads(ctx, "g"); return err }},
		{"Get", func(ctx context.Context, s store.Store) error { _, err := s.Get(ctx, "g", "a"); return err }},
		{"List", func(ctx context.Context, s store.Store) error { _, err := s.List(ctx, "g", ""); return err }},
		{"Commit", commitAny},
		{"Drop", func(ctx context.Context, s store.Store) error { return s.Drop(ctx, "another") }},
		{"Count", func(ctx context.Context, s store.Store) error {
			_, _, err := s.Count(ctx, "n", 1<<40, time.Hour)
			return err
		}},
		{"ReadChunk", func(ctx context.Context, s store.Store) error { _, _, err := s.ReadChunk(ctx, id, 0, -1); return err }},
		{"ReplaceChunk", func(ctx context.Context, s store.Store) error { return s.ReplaceChunk(ctx, id, 0, nil, 0) }},
		{"Chunks", func(ctx context.Context, s store.Store) error { _, err := s.Chunks(ctx, "g", ""); return err }},
		{"Acquire", func(ctx context.Context, s store.Store) error {
			_, err := s.Acquire(ctx, "l", "me", time.Hour)
			return err
		}},
		{"Release", func(ctx context.Context, s store.Store) error {
			return s.Release(ctx, store.Lease{Name: "m", Holder: "me"})
		}},
		{"Publish", func(ctx context.Context, s store.Store) error { return s.Publish(ctx, store.Hint{Group: "g"}) }},
		{"CommitMany", func(ctx context.Context, s store.Store) error {
			_, err := store.CommitMany(ctx, s, []store.Commit{{Group: "many", Ops: []store.Op{{Key: "a", Any: true}}}})
			return err
		}},
	}
}

// commitAny writes a key without a check, whatever the group's epoch is.
func commitAny(ctx context.Context, s store.Store) error {
	for {
		g, err := s.Get(ctx, "g")
		if err != nil {
			return err
		}
		_, err = s.Commit(ctx, store.Commit{Group: "g", Epoch: g.Rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func callsAfterClose(t *testing.T, h Harness) {
	s := open(t, h)
	put(t, s, "g", "a", "1")
	require.NoError(t, s.Close())
	for _, c := range everyCall() {
		require.ErrorIs(t, c.do(t.Context(), s), store.ErrClosed, c.name)
	}
	_, err := s.Commit(t.Context(), store.Commit{Group: "new", Ops: []store.Op{{Key: "a"}}})
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Subscribe(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
	require.NoError(t, s.Close(), "again")
}

func closeDuringUse(t *testing.T, h Harness) {
	for range 3 {
		s := open(t, h)
		put(t, s, "g", "a", "1")
		var started, done sync.WaitGroup
		for _, c := range everyCall() {
			started.Add(1)
			done.Go(func() {
				for i := 0; ; i++ {
					err := c.do(t.Context(), s)
					if i == 0 {
						started.Done()
					}
					if err != nil {
						assert.ErrorIs(t, err, store.ErrClosed, c.name)
						return
					}
				}
			})
		}
		started.Wait()
		require.NoError(t, s.Close())
		done.Wait()
	}
}

func closeEndsSubscriptions(t *testing.T, h Harness) {
	s := open(t, h)
	var chans []<-chan store.Hint
	for range 3 {
		chans = append(chans, subscribe(t, s))
	}
	require.NoError(t, s.Close())
	for _, ch := range chans {
		awaitClosed(t, ch)
	}
}

func closeLeavesReplicas(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	ch := subscribe(t, b)
	put(t, a, "g", "a", "1")
	require.NoError(t, a.Close())
	require.Equal(t, "1", string(get(t, b, "g", "a").Value))
	rev := put(t, b, "g", "a", "2")
	require.NoError(t, b.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	awaitHint(t, ch, reached("g", rev))
}

func endedContext(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	for _, c := range everyCall() {
		require.ErrorIs(t, c.do(cancelled, s), context.Canceled, c.name)
		require.ErrorIs(t, c.do(late, s), context.DeadlineExceeded, c.name)
	}
	_, err := s.Commit(cancelled, store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Drop(cancelled, "g"), context.Canceled)
	require.Equal(t, &store.Item{Key: "a", Rev: rev, Value: []byte("1")}, get(t, s, "g", "a"))
	acquire(t, s, "l", "somebody", time.Minute)
}

func cancelledWrites(t *testing.T, h Harness) {
	put(t, open(t, h), "g", "a", "", "b", "")
	s := race(t, h, func(s store.Store, racer int) {
		for lap := range laps {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			value := []byte(fmt.Sprint(racer, lap))
			g, err := s.Get(ctx, "g", "a")
			if err == nil {
				_, err = s.Commit(ctx, store.Commit{Group: "g", Epoch: g.Rev.Epoch, Ops: []store.Op{
					{Key: "a", Any: true, Value: value}, {Key: "b", Any: true, Value: value},
				}})
			}
			assert.True(t, err == nil || errors.Is(err, context.Canceled), "%v", err)
			cancel()
		}
	})
	g, err := s.Get(t.Context(), "g", "a", "b")
	require.NoError(t, err)
	require.Len(t, g.Items, 2)
	require.Equal(t, g.Items[0].Value, g.Items[1].Value)
	require.Equal(t, g.Items[0].Rev, g.Items[1].Rev)
	put(t, s, "g", "a", "still works")
}
