package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func leaseChecks() []check {
	return []check{
		{"OneHolderAtATime", oneHolder},
		{"EndsByItself", leaseEnds},
		{"Renewal", leaseRenewal},
		{"OnlyTheHolderReleases", leaseRelease},
	}
}

func acquire(tb testing.TB, s store.Store, name, holder string, ttl time.Duration) store.Lease {
	tb.Helper()
	l, err := s.Acquire(tb.Context(), name, holder, ttl)
	require.NoError(tb, err)
	require.Equal(tb, [2]string{name, holder}, [2]string{l.Name, l.Holder})
	return l
}

// requireHeld checks that holder has the lease and nobody else gets it.
func requireHeld(tb testing.TB, s store.Store, name, holder string) {
	tb.Helper()
	_, err := s.Acquire(tb.Context(), name, "somebody else", time.Minute)
	require.ErrorIs(tb, err, store.ErrLeaseHeld)
	var held *store.LeaseHeldError
	require.ErrorAs(tb, err, &held)
	require.Equal(tb, [2]string{name, holder}, [2]string{held.Name, held.Holder})
	require.False(tb, held.Until.IsZero())
}

func oneHolder(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	l := acquire(t, a, "target", "a", time.Minute)
	requireHeld(t, a, "target", "a")
	requireHeld(t, b, "target", "a")
	_, err := b.Acquire(t.Context(), "target", "b", time.Minute)
	var held *store.LeaseHeldError
	require.ErrorAs(t, err, &held)
	require.WithinDuration(t, l.Until, held.Until, 30*time.Second)
	acquire(t, b, "another", "b", time.Minute)
}

func leaseEnds(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	acquire(t, a, "target", "a", time.Minute)
	h.Advance(2 * time.Minute)
	acquire(t, b, "target", "b", time.Minute)
	requireHeld(t, a, "target", "b")
}

func leaseRenewal(t *testing.T, h Harness) {
	s := open(t, h)
	first := acquire(t, s, "target", "a", time.Minute)
	h.Advance(40 * time.Second)
	second := acquire(t, s, "target", "a", time.Minute)
	require.Greater(t, second.Until.Sub(first.Until), 30*time.Second)
	h.Advance(40 * time.Second)
	requireHeld(t, s, "target", "a")
	acquire(t, s, "target", "a", time.Second)
	h.Advance(2 * time.Second)
	acquire(t, s, "target", "b", time.Minute)
}

func leaseRelease(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	first := acquire(t, a, "target", "a", time.Minute)
	forged := first
	forged.Holder = "b"
	require.NoError(t, b.Release(t.Context(), forged))
	requireHeld(t, b, "target", "a")
	require.NoError(t, a.Release(t.Context(), first))
	require.NoError(t, a.Release(t.Context(), first), "again")
	acquire(t, b, "target", "b", time.Minute)
	require.NoError(t, a.Release(t.Context(), first), "what another holds now")
	requireHeld(t, a, "target", "b")
}
