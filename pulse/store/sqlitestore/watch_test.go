package sqlitestore

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// The watch itself is stopped by its long interval, so that the test looks when it wants to.
func TestWatcherTellsOfOthersCommitsOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	mine, err := Open(t.Context(), path, Options{WatchEvery: time.Hour})
	require.NoError(t, err)
	defer func() { require.NoError(t, mine.Close()) }()
	other, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	_, err = mine.Subscribe(t.Context())
	require.NoError(t, err)
	conn, err := mine.readers.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	version := int64(0)
	look := func() []store.Hint {
		next, hints, err := mine.watcher.look(t.Context(), conn, version)
		require.NoError(t, err)
		version = next
		return hints
	}
	put := func(s *Store, group string) store.Revision {
		g, err := s.Get(t.Context(), group)
		require.NoError(t, err)
		rev, err := s.Commit(t.Context(), store.Commit{Group: group, Epoch: g.Rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
		require.NoError(t, err)
		return rev
	}

	put(mine, "g")
	put(mine, "g")
	require.Empty(t, look(), "its own commits are its publisher's to tell")
	rev := put(other, "g")
	require.Equal(t, []store.Hint{{Group: "g", Rev: rev}}, look())
	require.Empty(t, look())
	put(mine, "g")
	require.Empty(t, look())
	put(other, "g")
	rev = put(mine, "g")
	require.Equal(t, []store.Hint{{Group: "g", Rev: rev}}, look(), "another's commit under an own one")
	require.NoError(t, mine.Drop(t.Context(), "g"))
	require.Empty(t, look())
	put(mine, "g")
	require.NoError(t, other.Drop(t.Context(), "g"))
	require.Equal(t, []store.Hint{{Group: "g"}}, look())
	put(mine, "h")
	require.NoError(t, other.Drop(t.Context(), "h"))
	rev = put(other, "h")
	require.Equal(t, []store.Hint{{Group: "h", Rev: rev}}, look(), "a new epoch")
}
