package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func batchChecks() []check {
	return []check{
		{"OneFailureLeavesTheOthers", batchFailures},
		{"CommitsSeeEarlierOnes", batchOrder},
		{"ManyGroups", batchManyGroups},
	}
}

func batchFailures(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1")
	results, err := store.CommitMany(t.Context(), s, []store.Commit{
		{Group: "new", Durable: true, Ops: []store.Op{{Key: "a", Value: []byte("2")}}},
		{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "other", Value: []byte("x")}, {Key: "a", Value: []byte("2")}}},
		{Group: "gone", Epoch: 5, Ops: []store.Op{{Key: "a"}}},
		{Group: "g", Epoch: rev.Epoch},
		{Group: "g", Epoch: rev.Epoch, Appends: []store.Append{{Chunk: "c", Data: []byte("x")}}},
	})
	require.NoError(t, err)
	require.Len(t, results, 5)
	require.NoError(t, results[0].Err)
	requireConflict(t, results[1].Err, "a", "")
	require.ErrorIs(t, results[2].Err, store.ErrGone)
	require.ErrorIs(t, results[3].Err, store.ErrInvalid)
	require.NoError(t, results[4].Err)
	require.Equal(t, store.Revision{Epoch: rev.Epoch, N: 2}, results[4].Rev)
	require.Equal(t, results[0].Rev, head(t, s, "new"))
	require.Nil(t, get(t, s, "g", "other"))
	require.Equal(t, rev, get(t, s, "g", "a").Rev)
	requireChunk(t, s, "c", "x")
}

func batchOrder(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1")
	results, err := store.CommitMany(t.Context(), s, []store.Commit{
		{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Value: []byte("2")}}},
		{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: store.Revision{Epoch: rev.Epoch, N: 2}, Value: []byte("3")}}},
		{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Value: []byte("4")}}},
	})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.NoError(t, results[1].Err)
	requireConflict(t, results[2].Err, "a", "")
	require.Equal(t, &store.Item{Key: "a", Rev: results[1].Rev, Value: []byte("3")}, get(t, s, "g", "a"))
}

func batchManyGroups(t *testing.T, h Harness) {
	s := open(t, h)
	var commits []store.Commit
	var groups []string
	for i := range 100 {
		groups = append(groups, fmt.Sprint("target-", i))
		commits = append(commits, store.Commit{Group: groups[i], Ops: []store.Op{{Key: "observation", Value: make([]byte, 2000)}}})
	}
	results, err := store.CommitMany(t.Context(), s, commits)
	require.NoError(t, err)
	heads, err := s.Heads(t.Context(), groups...)
	require.NoError(t, err)
	for i, r := range results {
		require.NoError(t, r.Err)
		require.Equal(t, heads[i], r.Rev)
	}
	none, err := store.CommitMany(t.Context(), s, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}
