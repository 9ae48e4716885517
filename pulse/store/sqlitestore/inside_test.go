package sqlitestore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestWhatExpiredLeavesTheFile(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "pulse.db"), Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "short", TTL: time.Minute}, {Key: "long", TTL: time.Hour}, {Key: "ever"}},
		Appends: []store.Append{
			{Chunk: "short", Data: make([]byte, 200_000), TTL: time.Minute},
			{Chunk: "long", Data: make([]byte, 10), TTL: time.Hour},
			{Chunk: "ever", Data: make([]byte, 10)},
		},
	})
	require.NoError(t, err)
	for name, d := range map[string]time.Duration{"short": time.Minute, "long": time.Hour} {
		_, _, err = s.Count(t.Context(), name, 1, d)
		require.NoError(t, err)
		_, err = s.Acquire(t.Context(), name, "me", d)
		require.NoError(t, err)
	}
	rows := func() (counts [5]int) {
		for i, table := range []string{"item", "chunk", "block", "counter", "lease"} {
			require.NoError(t, s.readers.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&counts[i]))
		}
		return counts
	}
	require.Equal(t, [5]int{3, 3, 6, 2, 2}, rows())
	now = now.Add(sweepEvery)
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "ever", Any: true}}})
	require.NoError(t, err)
	require.Equal(t, [5]int{2, 2, 2, 1, 1}, rows())
}

func TestSmallAppendsShareABlock(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "pulse.db"), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	epoch := uint64(0)
	const appends, size = 100, 90
	for i := range int64(appends) {
		rev, err := s.Commit(t.Context(), store.Commit{
			Group: "g", Epoch: epoch, Appends: []store.Append{{Chunk: "c", At: i * size, Data: fmt.Appendf(nil, "%*d", size, i)}},
		})
		require.NoError(t, err)
		epoch = rev.Epoch
	}
	var blocks int
	require.NoError(t, s.readers.QueryRowContext(t.Context(), "SELECT count(*) FROM block").Scan(&blocks))
	require.Equal(t, (appends*size+growBlockBytes-1)/growBlockBytes, blocks)
}

func TestDamageBehindTheStoreIsAnErrorNotAnAnswer(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "pulse.db"), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", Value: make([]byte, 5000)}}, Appends: []store.Append{{Chunk: "c", Data: make([]byte, 100)}},
	})
	require.NoError(t, err)
	_, err = s.writer.conn.ExecContext(t.Context(), "UPDATE item SET value = x'00'; UPDATE block SET data = x'00'")
	require.NoError(t, err)
	_, err = s.Get(t.Context(), "g", "a")
	require.ErrorIs(t, err, ErrDamaged)
	_, _, err = s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
	require.ErrorIs(t, err, ErrDamaged)
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Appends: []store.Append{{Chunk: "c", At: 100, Data: []byte("x")}}})
	require.ErrorIs(t, err, ErrDamaged)
}

func TestLargeFileIsCheckedWhereAStartDependsOnIt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes more than 64 MiB")
	}
	path := filepath.Join(t.TempDir(), "pulse.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	for i := range 3 {
		_, err = s.Commit(t.Context(), store.Commit{
			Group: fmt.Sprint("g", i), Ops: []store.Op{{Key: "a"}}, Appends: []store.Append{{Chunk: "c", Data: make([]byte, 24<<20)}},
		})
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	s, err = Open(t.Context(), path, Options{})
	require.NoError(t, err)
	_, err = s.writer.conn.ExecContext(t.Context(), `PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'block') WHERE name = 'sqlite_autoindex_item_1'`)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = Open(t.Context(), path, Options{})
	require.ErrorIs(t, err, ErrDamaged)
}

func TestDurableCommitsAreSynced(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "pulse.db"), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	const normal, full = 1, 2
	for i, durable := range []bool{false, true, true, false, true} {
		_, err := s.CommitMany(t.Context(), []store.Commit{
			{Group: fmt.Sprint("a", i), Ops: []store.Op{{Key: "a"}}},
			{Group: fmt.Sprint("b", i), Ops: []store.Op{{Key: "a"}}, Durable: durable},
		})
		require.NoError(t, err)
		var mode int
		require.NoError(t, s.writer.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&mode))
		want := normal
		if durable {
			want = full
		}
		require.Equal(t, want, mode)
	}
}
