package sqlitestore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
)

func open(tb testing.TB, path string, opt sqlitestore.Options) *sqlitestore.Store {
	tb.Helper()
	s, err := sqlitestore.Open(tb.Context(), path, opt)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// fill writes a store of some hundred kilobytes and closes it.
func fill(tb testing.TB, path string) {
	tb.Helper()
	s := open(tb, path, sqlitestore.Options{})
	c := store.Commit{Group: "g"}
	for i := range store.MaxOps {
		value := make([]byte, 5000)
		_, _ = rand.Read(value)
		c.Ops = append(c.Ops, store.Op{Key: fmt.Sprint("key-", i), Value: value})
	}
	_, err := s.Commit(tb.Context(), c)
	require.NoError(tb, err)
	require.NoError(tb, s.Close())
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	for _, before := range []os.FileMode{0, 0o644} {
		path := filepath.Join(t.TempDir(), "pulse.db")
		if before != 0 {
			require.NoError(t, os.WriteFile(path, nil, before))
		}
		s := open(t, path, sqlitestore.Options{})
		_, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "a"}}})
		require.NoError(t, err)
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(path + suffix)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
		}
	}
}

func TestPathMayContainAnything(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "päth with ?mode=memory&x=%41#frag;'")
	require.NoError(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "pulse.db?x=%20")
	fill(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(300_000), "the journal is moved into the file when it is closed")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		err     error
		says    string
	}{
		{"another file", func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("precious letter\n", 500)), 0o600))
		}, sqlitestore.ErrForeign, "move it away"},
		{"a short file", func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
		}, sqlitestore.ErrForeign, "move it away"},
		{"another program's database", func(t *testing.T, path string) {
			t.Helper()
			execRaw(t, path, "CREATE TABLE letters (text TEXT); INSERT INTO letters VALUES ('precious')")
		}, sqlitestore.ErrForeign, "move it away"},
		{"damaged pages", func(t *testing.T, path string) {
			t.Helper()
			fill(t, path)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			for at := 16 << 10; at+4096 < len(data); at += 64 << 10 {
				copy(data[at:], bytes.Repeat([]byte{0xa5}, 4096))
			}
			require.NoError(t, os.WriteFile(path, data, 0o600))
		}, sqlitestore.ErrDamaged, "restore it from a backup"},
		{"a file cut short", func(t *testing.T, path string) {
			t.Helper()
			fill(t, path)
			require.NoError(t, os.Truncate(path, 80<<10))
		}, sqlitestore.ErrDamaged, "restore it from a backup"},
		{"a newer format", func(t *testing.T, path string) {
			t.Helper()
			fill(t, path)
			execRaw(t, path, "PRAGMA user_version = 4711")
		}, sqlitestore.ErrNewer, "format is 4711"},
		{"a directory of that name", func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Mkdir(path, 0o700))
		}, sqlitestore.ErrDirectory, "no regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pulse.db")
			tt.prepare(t, path)
			before, _ := os.ReadFile(path)
			_, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, tt.says)
			require.NotContains(t, err.Error(), "\n")
			after, _ := os.ReadFile(path)
			require.True(t, bytes.Equal(before, after), "the file was changed")
		})
	}
}

func TestOpenRefusesBadDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for parent, says := range map[string]string{filepath.Join(dir, "absent"): "does not exist", file: "is no directory"} {
		_, err := sqlitestore.Open(t.Context(), filepath.Join(parent, "pulse.db"), sqlitestore.Options{})
		require.ErrorIs(t, err, sqlitestore.ErrDirectory)
		require.ErrorContains(t, err, parent)
		require.ErrorContains(t, err, says)
	}
}

func TestOpenSaysWhenAnotherProgramLocksTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	fill(t, path)
	db, err := sql.Open("sqlite", path+"?_pragma=locking_mode(EXCLUSIVE)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE hold (x)")
	require.NoError(t, err)
	_, err = sqlitestore.Open(t.Context(), path, sqlitestore.Options{Patience: time.Millisecond})
	require.ErrorIs(t, err, sqlitestore.ErrLocked)
	require.ErrorContains(t, err, path)
}

func TestWaitForAnotherWriterEndsWithPatienceOrContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	s := open(t, path, sqlitestore.Options{Patience: time.Millisecond})
	patient := open(t, path, sqlitestore.Options{Patience: time.Hour})
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	c := store.Commit{Group: "g", Ops: []store.Op{{Key: "a"}}}
	_, err = s.Commit(t.Context(), c)
	require.ErrorIs(t, err, sqlitestore.ErrLocked)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = patient.Commit(ctx, c)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = s.Get(t.Context(), "g", "a")
	require.NoError(t, err, "reads wait for no writer")
	_, err = db.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	for i, st := range []*sqlitestore.Store{s, patient} {
		c.Group = fmt.Sprint("g", i)
		_, err = st.Commit(t.Context(), c)
		require.NoError(t, err)
	}
}

func TestOpenedWithEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlitestore.Open(ctx, filepath.Join(t.TempDir(), "pulse.db"), sqlitestore.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestOpeningAndClosingChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	s := open(t, path, sqlitestore.Options{})
	_, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "k", Value: []byte("v")}}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	again := open(t, path, sqlitestore.Options{})
	_, err = again.Get(t.Context(), "g", "k")
	require.NoError(t, err)
	require.NoError(t, again.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
}
