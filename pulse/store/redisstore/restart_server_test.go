package redisstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestRestartedServerHasWhatItKept(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	s := openStore(t, server.url(0))
	hints, err := s.Subscribe(t.Context())
	require.NoError(t, err)
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Durable: true, Ops: []store.Op{{Key: "a", Value: noise(10_000)}, {Key: "b", Value: []byte("1"), TTL: time.Hour}},
		Appends: []store.Append{{Chunk: "c", Data: []byte("history")}},
	})
	require.NoError(t, err)
	_, err = s.Acquire(t.Context(), "lease", "one", time.Hour)
	require.NoError(t, err)
	before, err := s.Get(t.Context(), "g", "a", "b")
	require.NoError(t, err)

	server.kill()
	_, err = s.Get(t.Context(), "g", "a")
	require.ErrorContains(t, err, server.address)
	require.NoError(t, server.start())

	after, err := s.Get(t.Context(), "g", "a", "b")
	require.NoError(t, err)
	require.Equal(t, before, after)
	data, _, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
	require.NoError(t, err)
	require.Equal(t, "history", string(data))
	_, err = s.Acquire(t.Context(), "lease", "two", time.Hour)
	require.ErrorIs(t, err, store.ErrLeaseHeld)
	next, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev}}})
	require.NoError(t, err)
	require.Equal(t, rev.Epoch, next.Epoch)
	require.Greater(t, next.N, rev.N)
	awaitHint(t, hints, store.Hint{})
}

func TestEmptiedServerHasOtherEpochs(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := openStore(t, server.url(0))
	old := put(t, s, "g", "a", "1")
	for _, empty := range []func(){
		func() { server.kill(); require.NoError(t, server.start()) },
		func() { require.NoError(t, server.admin(t, 0).FlushAll(t.Context()).Err()) },
	} {
		empty()
		heads, err := s.Heads(t.Context(), "g")
		require.NoError(t, err)
		require.Zero(t, heads[0])
		_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: old.Epoch, Ops: []store.Op{{Key: "a", Rev: old}}})
		require.ErrorIs(t, err, store.ErrGone)
		fresh := put(t, s, "g", "a", "1")
		require.NotEqual(t, old.Epoch, fresh.Epoch)
		require.Equal(t, uint64(1), fresh.N)
		old = fresh
	}
}

func TestRevisionsThatACrashLostAreNotGivenAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := openStore(t, server.url(0))
	kept := put(t, s, "g", "a", "kept")
	require.NoError(t, server.admin(t, 0).Save(t.Context()).Err())
	lost := put(t, s, "g", "a", "lost")
	server.kill()
	require.NoError(t, server.start())

	requireValue(t, s, "g", "a", "kept")
	_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: lost.Epoch, Ops: []store.Op{{Key: "a", Rev: lost}}})
	require.ErrorIs(t, err, store.ErrConflict)
	next, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: kept.Epoch, Ops: []store.Op{{Key: "a", Rev: kept, Value: []byte("new")}},
	})
	require.NoError(t, err)
	require.Equal(t, kept.Epoch, next.Epoch)
	require.Greater(t, next.N, lost.N)
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: lost.Epoch, Ops: []store.Op{{Key: "a", Rev: lost}}})
	require.ErrorIs(t, err, store.ErrConflict, "what was read before the crash matches nothing written after it")
	again := put(t, s, "g", "a", "newer")
	require.Equal(t, next.N+1, again.N, "the numbers leap once")
}

func TestTwoStoresOnTheSameData(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := openStore(t, server.url(3)), openStore(t, server.url(3))
	elsewhere := []*Store{openStore(t, server.url(4)), openStore(t, server.url(3)+"?prefix=other"), openStore(t, server.url(3)+"?prefix=pulse:g")}
	hints, err := elsewhere[0].Subscribe(t.Context())
	require.NoError(t, err)
	fromA, err := b.Subscribe(t.Context())
	require.NoError(t, err)
	rev := put(t, a, "g", "k", "by a")
	require.NoError(t, a.Publish(t.Context(), store.Hint{Group: "g", Rev: rev}))
	awaitHint(t, fromA, store.Hint{Group: "g", Rev: rev})
	requireValue(t, b, "g", "k", "by a")
	_, err = b.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "k", Rev: rev, Value: []byte("by b")}}})
	require.NoError(t, err)
	_, err = a.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "k", Rev: rev}}})
	require.ErrorIs(t, err, store.ErrConflict)
	for _, s := range elsewhere {
		heads, err := s.Heads(t.Context(), "g", "g:g")
		require.NoError(t, err)
		require.Equal(t, make([]store.Revision, 2), heads, "another database or prefix is another store")
	}
	require.Empty(t, hints)
}
