package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func revisionChecks() []check {
	return []check{
		{"DropEndsTheEpoch", dropEndsEpoch},
		{"FlushEndsTheEpoch", flushEndsEpoch},
		{"EpochOutlivesTheLastKey", epochOutlivesKeys},
		{"DeletedKeyNeverMatchesItsOldRevision", deletedKey},
		{"GroupsAreIndependent", groupsAreIndependent},
		{"EveryCommitCountsOne", everyCommitCounts},
		{"ReplicasSeeEachOther", replicasSeeEachOther},
	}
}

// requireEpochEnded checks that nothing read before can be used on the group, and that a new one differs.
func requireEpochEnded(t *testing.T, s store.Store, old store.Revision) {
	t.Helper()
	require.Zero(t, head(t, s, "g"))
	require.Nil(t, get(t, s, "g", "a"))
	stale := store.Commit{Group: "g", Epoch: old.Epoch, Ops: []store.Op{{Key: "a", Rev: old, Value: []byte("stale")}}}
	chunk := store.ChunkID{Group: "g", Name: "c"}
	_, err := s.Commit(t.Context(), stale)
	require.ErrorIs(t, err, store.ErrGone)
	require.ErrorIs(t, s.ReplaceChunk(t.Context(), chunk, 1, []byte("stale"), 0), store.ErrGone)
	require.ErrorIs(t, s.ReplaceChunk(t.Context(), chunk, 0, []byte("stale"), 0), store.ErrGone)

	rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "a", Value: []byte("new")}}})
	require.NoError(t, err)
	require.NotEqual(t, old.Epoch, rev.Epoch)
	require.Equal(t, uint64(1), rev.N)
	_, err = s.Commit(t.Context(), stale)
	require.ErrorIs(t, err, store.ErrGone)
	stale.Epoch = rev.Epoch
	_, err = s.Commit(t.Context(), stale)
	requireConflict(t, err, "a", "")
	require.Equal(t, &store.Item{Key: "a", Rev: rev, Value: []byte("new")}, get(t, s, "g", "a"))
	_, size, err := s.ReadChunk(t.Context(), chunk, 0, 0)
	require.NoError(t, err)
	require.Zero(t, size)
}

func dropEndsEpoch(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	for range 3 {
		_, err := a.Commit(t.Context(), store.Commit{
			Group: "g", Ops: []store.Op{{Key: "a", Value: []byte("1")}}, Appends: []store.Append{{Chunk: "c", Data: []byte("x")}},
		})
		require.NoError(t, err)
		other := put(t, a, "other", "a", "1")
		old := head(t, b, "g")
		require.NoError(t, a.Drop(t.Context(), "g"))
		requireEpochEnded(t, b, old)
		require.Equal(t, other, head(t, b, "other"))
		require.NoError(t, b.Drop(t.Context(), "g"))
		require.Zero(t, head(t, a, "g"))
	}
}

func flushEndsEpoch(t *testing.T, h Harness) {
	s := open(t, h)
	put(t, s, "g", "a", "1")
	old := put(t, s, "g", "a", "1")
	_, err := s.Acquire(t.Context(), "lease", "one", time.Hour)
	require.NoError(t, err)
	h.Flush(t)
	requireEpochEnded(t, s, old)
	_, err = s.Acquire(t.Context(), "lease", "two", time.Hour)
	require.NoError(t, err)
}

func epochOutlivesKeys(t *testing.T, h Harness) {
	s := open(t, h)
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", TTL: time.Minute}},
		Appends: []store.Append{{Chunk: "c", Data: []byte("x"), TTL: time.Minute}},
	})
	require.NoError(t, err)
	h.Advance(240 * time.Hour)
	require.Equal(t, rev, head(t, s, "g"))
	next := put(t, s, "g", "b", "1")
	require.Equal(t, store.Revision{Epoch: rev.Epoch, N: 2}, next)
	last, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "b", Any: true, Delete: true}}})
	require.NoError(t, err)
	h.Advance(240 * time.Hour)
	require.Equal(t, last, head(t, s, "g"))
}

func deletedKey(t *testing.T, h Harness) {
	s := open(t, h)
	old := put(t, s, "g", "a", "1")
	seen := map[store.Revision]bool{old: true}
	for range 5 {
		_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: old.Epoch, Ops: []store.Op{{Key: "a", Any: true, Delete: true}}})
		require.NoError(t, err)
		rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: old.Epoch, Ops: []store.Op{{Key: "a"}}})
		require.NoError(t, err)
		require.False(t, seen[rev], "revision given twice")
		seen[rev] = true
		_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: old.Epoch, Ops: []store.Op{{Key: "a", Rev: old}}})
		requireConflict(t, err, "a", "")
	}
}

func groupsAreIndependent(t *testing.T, h Harness) {
	s := open(t, h)
	a, b := put(t, s, "a", "k", "in a"), put(t, s, "b", "k", "in b")
	require.NotEqual(t, a.Epoch, b.Epoch)
	_, err := s.Commit(t.Context(), store.Commit{Group: "b", Epoch: a.Epoch, Ops: []store.Op{{Key: "k", Any: true}}})
	require.ErrorIs(t, err, store.ErrGone)
	_, err = s.Commit(t.Context(), store.Commit{Group: "b", Epoch: b.Epoch, Ops: []store.Op{{Key: "k", Rev: a}}})
	requireConflict(t, err, "k", "")
	require.Equal(t, []byte("in a"), get(t, s, "a", "k").Value)
	require.Equal(t, []byte("in b"), get(t, s, "b", "k").Value)
}

func everyCommitCounts(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1")
	commits := []store.Commit{
		{Ops: []store.Op{{Key: "a", Any: true}, {Key: "b", Any: true}}},
		{Ops: []store.Op{{Key: "absent", Any: true, Delete: true}}},
		{Appends: []store.Append{{Chunk: "c", Data: []byte("x")}}},
		{Ops: []store.Op{{Key: "absent", CheckOnly: true}}, Appends: []store.Append{{Chunk: "c", At: 1, Data: []byte("x")}}},
	}
	for i, c := range commits {
		c.Group, c.Epoch = "g", rev.Epoch
		got, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, store.Revision{Epoch: rev.Epoch, N: uint64(i + 2)}, got)
	}
	require.NoError(t, s.ReplaceChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 2, []byte("y"), 0))
	require.Equal(t, uint64(len(commits)+1), head(t, s, "g").N, "a replaced chunk is no commit")
}

func replicasSeeEachOther(t *testing.T, h Harness) {
	a, b := open(t, h), open(t, h)
	rev := put(t, a, "g", "k", "by a")
	require.Equal(t, &store.Item{Key: "k", Rev: rev, Value: []byte("by a")}, get(t, b, "g", "k"))
	next, err := b.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "k", Rev: rev, Value: []byte("by b")}}})
	require.NoError(t, err)
	require.Equal(t, next, head(t, a, "g"))
	_, err = a.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "k", Rev: rev}}})
	requireConflict(t, err, "k", "")
	require.Equal(t, []byte("by b"), get(t, a, "g", "k").Value)
}
