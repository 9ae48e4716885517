package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func countChecks() []check {
	return []check{
		{"CountsToTheLimit", countsToLimit},
		{"WindowIsThatOfTheFirstCount", windowOfFirstCount},
		{"ReplicasCountTogether", replicasCountTogether},
	}
}

func count(tb testing.TB, s store.Store, name string, limit int64, window time.Duration) (bool, time.Duration) {
	tb.Helper()
	ok, retry, err := s.Count(tb.Context(), name, limit, window)
	require.NoError(tb, err)
	if ok {
		require.Zero(tb, retry)
	} else {
		require.Positive(tb, retry)
	}
	return ok, retry
}

func countsToLimit(t *testing.T, h Harness) {
	s := open(t, h)
	for range 3 {
		for range 3 {
			ok, _ := count(t, s, "logins", 3, time.Minute)
			require.True(t, ok)
		}
		for range 3 {
			ok, retry := count(t, s, "logins", 3, time.Minute)
			require.False(t, ok)
			require.LessOrEqual(t, retry, time.Minute+time.Millisecond)
		}
		ok, _ := count(t, s, "logins", 4, time.Minute)
		require.True(t, ok, "refused counts do not count")
		h.Advance(2 * time.Minute)
	}
	ok, _ := count(t, s, "others", 1, time.Minute)
	require.True(t, ok)
}

func windowOfFirstCount(t *testing.T, h Harness) {
	s := open(t, h)
	count(t, s, "c", 2, 10*time.Minute)
	h.Advance(6 * time.Minute)
	count(t, s, "c", 2, time.Hour)
	ok, retry := count(t, s, "c", 2, 24*time.Hour)
	require.False(t, ok)
	require.LessOrEqual(t, retry, 4*time.Minute+time.Millisecond)
	h.Advance(5 * time.Minute)
	ok, _ = count(t, s, "c", 1, time.Minute)
	require.True(t, ok)
}

func replicasCountTogether(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	count(t, a, "c", 2, time.Hour)
	count(t, b, "c", 2, time.Hour)
	for _, s := range []store.Store{a, b} {
		ok, _ := count(t, s, "c", 2, time.Hour)
		require.False(t, ok)
	}
}
