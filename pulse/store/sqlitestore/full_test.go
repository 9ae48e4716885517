//go:build unix

package sqlitestore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
)

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// fillUp appends until the store is full and returns how many appends went in.
func fillUp(t *testing.T, s store.Store) int {
	t.Helper()
	data := noise(10_000)
	for n := range 10_000 {
		g, err := s.Get(t.Context(), "history")
		require.NoError(t, err)
		_, err = s.Commit(t.Context(), store.Commit{
			Group: "history", Epoch: g.Rev.Epoch, Appends: []store.Append{{Chunk: "c", At: int64(n * len(data)), Data: data}},
		})
		if err != nil {
			require.ErrorIs(t, err, store.ErrFull)
			return n
		}
	}
	require.FailNow(t, "the store never became full")
	return 0
}

func TestFullStoreKeepsWhatItHasAndRecovers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	s := open(t, path, sqlitestore.Options{MaxPages: 400})
	rev, err := s.Commit(t.Context(), store.Commit{Group: "system", Durable: true, Ops: []store.Op{{Key: "targets", Value: noise(5000)}}})
	require.NoError(t, err)

	appended := fillUp(t, s)
	_, err = s.CommitMany(t.Context(), []store.Commit{
		{Group: "small", Ops: []store.Op{{Key: "a"}}}, {Group: "large", Ops: []store.Op{{Key: "a", Value: noise(100_000)}}},
	})
	require.ErrorIs(t, err, store.ErrFull)
	heads, err := s.Heads(t.Context(), "system", "history", "small", "large")
	require.NoError(t, err)
	require.Equal(t, rev, heads[0])
	require.EqualValues(t, appended, heads[1].N)
	require.Equal(t, []store.Revision{{}, {}}, heads[2:], "nothing of a batch stays")
	_, size, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "history", Name: "c"}, 0, -1)
	require.NoError(t, err)
	require.EqualValues(t, appended*10_000, size)

	st, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.True(t, st.FreeKnown)
	require.Less(t, st.FreeBytes, int64(20_000))
	require.NoError(t, s.Drop(t.Context(), "history"))
	require.Positive(t, fillUp(t, s), "a drop makes room")
}

func TestDroppedDataFreesTheDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	s := open(t, path, sqlitestore.Options{})
	_, err := s.Commit(t.Context(), store.Commit{Group: "kept", Ops: []store.Op{{Key: "a", Value: noise(1000)}}})
	require.NoError(t, err)
	_, err = s.Commit(t.Context(), store.Commit{Group: "history", Appends: []store.Append{{Chunk: "c", Data: noise(8 << 20)}}})
	require.NoError(t, err)
	before, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Greater(t, before.SizeBytes, int64(8<<20))
	require.NoError(t, s.Drop(t.Context(), "history"))
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(1<<20))
	g, err := open(t, path, sqlitestore.Options{}).Get(t.Context(), "kept", "a")
	require.NoError(t, err)
	require.Len(t, g.Items, 1)
}

func TestLimitOnTheSizeOfFilesIsAFullStore(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("sets a process limit the way Linux does")
	}
	path := filepath.Join(t.TempDir(), "pulse.db")
	out, err := command(t, roleLimited, path).Output()
	require.NoError(t, err)
	require.Equal(t, "store is full\n", string(out))
	g, err := open(t, path, sqlitestore.Options{}).List(t.Context(), "before", "")
	require.NoError(t, err)
	require.Len(t, g.Items, 1)
}

func TestAnotherUsersFileIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	dir, err := os.MkdirTemp("/tmp", "sqlitestore") // t.TempDir lies in a directory closed to others
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	exe, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	binary := filepath.Join(dir, "test")
	require.NoError(t, os.WriteFile(binary, exe, 0o755))

	closed, visible := filepath.Join(dir, "closed"), filepath.Join(dir, "visible")
	for path, mode := range map[string]os.FileMode{dir: 0o755, closed: 0o700, visible: 0o755} {
		require.NoError(t, os.MkdirAll(path, mode))
		require.NoError(t, os.Chmod(path, mode))
	}
	fill(t, filepath.Join(closed, "pulse.db"))
	fill(t, filepath.Join(visible, "pulse.db"))
	for path, says := range map[string]string{
		filepath.Join(dir, "pulse.db"):     "store directory " + dir + " cannot be used: this user may not write it",
		filepath.Join(closed, "pulse.db"):  "cannot be used: permission denied",
		filepath.Join(visible, "pulse.db"): "cannot be used: this user may not write the file or its directory",
	} {
		cmd := command(t, roleOpen, path)
		cmd.Path = binary
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Contains(t, string(out), says)
		require.Equal(t, 1, strings.Count(string(out), "\n"), "%s", out)
	}
}

// writeWithLimit lets no file of this process grow beyond half a mebibyte and writes until that hurts.
func writeWithLimit(ctx context.Context, s store.Store) error {
	commit := func(group string, bytes int) error {
		_, err := s.Commit(ctx, store.Commit{Group: group, Ops: []store.Op{{Key: "a", Value: noise(bytes)}}})
		return err
	}
	if err := commit("before", 1000); err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: 512 << 10, Max: 512 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for i := range 100 {
		if err := commit(fmt.Sprint("after", i), 100_000); err != nil {
			return err
		}
	}
	return nil
}
