package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func hintChecks() []check {
	return []check{
		{"ReachEveryReplica", hintsReachReplicas},
		{"TellOfADrop", hintsTellOfDrop},
		{"SlowReaderLearnsOfItsLoss", slowReader},
		{"LostHintsCostNothingButTime", lostHints},
		{"EndWithTheContext", subscriptionEnds},
		{"OneReaderDoesNotDisturbAnother", readersAreIndependent},
	}
}

// patience is how long the suite waits for a hint before it calls it lost.
const patience = time.Minute

func subscribe(tb testing.TB, s store.Store) <-chan store.Hint {
	tb.Helper()
	ch, err := s.Subscribe(tb.Context())
	require.NoError(tb, err)
	return ch
}

// awaitHint reads until a hint fits, or one tells of a loss.
func awaitHint(tb testing.TB, ch <-chan store.Hint, fits func(store.Hint) bool) store.Hint {
	tb.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case h, ok := <-ch:
			require.True(tb, ok, "channel closed early")
			if fits(h) {
				return h
			}
		case <-timeout.C:
			require.FailNow(tb, "no such hint came")
		}
	}
}

// awaitClosed reads the rest.
func awaitClosed(tb testing.TB, ch <-chan store.Hint) {
	tb.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case _, ok := <-ch:
			if !ok {
				return
			}
		case <-timeout.C:
			require.FailNow(tb, "channel was not closed")
		}
	}
}

// reached fits hints of a group at a revision or a later one.
func reached(group string, rev store.Revision) func(store.Hint) bool {
	return func(h store.Hint) bool {
		return h.Group == group && h.Rev.Epoch == rev.Epoch && h.Rev.N >= rev.N
	}
}

func hintsReachReplicas(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	fromA, fromB := subscribe(t, a), subscribe(t, b)
	for range 5 {
		rev := put(t, a, "g", "k", "v")
		require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
		awaitHint(t, fromA, reached("g", rev))
		awaitHint(t, fromB, reached("g", rev))
	}
	rev := put(t, b, "another", "k", "v")
	require.NoError(t, b.Publish(t.Context(), store.Hint{Group: "another", Rev: rev}))
	awaitHint(t, fromA, reached("another", rev))
	awaitHint(t, fromB, reached("another", rev))
}

func hintsTellOfDrop(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	fromA, fromB := subscribe(t, a), subscribe(t, b)
	rev := put(t, a, "g", "k", "v")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	awaitHint(t, fromB, reached("g", rev))
	require.NoError(t, a.Drop(t.Context(), "g"))
	gone := store.Hint{Group: "g"}
	require.NoError(t, a.Publish(t.Context(), gone))
	for _, ch := range []<-chan store.Hint{fromA, fromB} {
		awaitHint(t, ch, func(h store.Hint) bool { return h == gone })
	}
}

func slowReader(t *testing.T, h Harness) {
	const published = 20_000
	a, b := open(t, h), open(t, h)
	put(t, a, "g", "k", "v")
	slow := subscribe(t, a)
	far := subscribe(t, b)
	rev := put(t, a, "g", "k", "v")
	for range published {
		require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	}
	last := put(t, a, "g", "k", "v")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: last}))
	caughtUp := func(h store.Hint) bool { return h == store.Hint{} || reached("g", last)(h) }
	seen := 0
	awaitHint(t, slow, func(h store.Hint) bool { seen++; return caughtUp(h) })
	require.Less(t, seen, published/2, "what waits for a slow reader is bounded")
	awaitHint(t, far, caughtUp)

	again := put(t, a, "g", "k", "v")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: again}))
	awaitHint(t, slow, func(h store.Hint) bool { return h == store.Hint{} || reached("g", again)(h) })
}

func lostHints(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	rev := put(t, a, "g", "k", "old")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	ch := subscribe(t, b) // too late for the hint above
	silent := put(t, a, "g", "k", "new")
	require.Equal(t, silent, head(t, b, "g"), "heads tell what no hint told")
	require.Equal(t, "new", string(get(t, b, "g", "k").Value))
	next := put(t, a, "other", "k", "v")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "other", Rev: next}))
	awaitHint(t, ch, reached("other", next))
}

func subscriptionEnds(t *testing.T, h Harness) {
	s := open(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	ended, err := s.Subscribe(ctx)
	require.NoError(t, err)
	staying := subscribe(t, s)
	cancel()
	awaitClosed(t, ended)
	_, err = s.Subscribe(ctx)
	require.ErrorIs(t, err, context.Canceled)
	rev := put(t, s, "g", "k", "v")
	require.NoError(t, s.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	awaitHint(t, staying, reached("g", rev))
}

func readersAreIndependent(t *testing.T, h Harness) {
	s := open(t, h)
	subscribe(t, s) // is never read
	ch := subscribe(t, s)
	rev := put(t, s, "g", "k", "v")
	for range 2000 {
		require.NoError(t, s.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
		awaitHint(t, ch, reached("g", rev))
	}
}
