package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	dir, err := os.MkdirTemp("", "pulse-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := run(context.Background(), dir, os.Stdout); err != nil {
		fmt.Println(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 10s
	// 20s
}

// harness is one directory. All stores on it share the memory, as they are of one process.
type harness struct {
	root   *Files
	memory *store.Memory
	ahead  atomic.Int64 // by how many nanoseconds its clock is ahead
}

func newHarness(tb testing.TB) storetest.Harness {
	tb.Helper()
	h := &harness{}
	root, err := Open(tb.Context(), tb.TempDir())
	require.NoError(tb, err)
	h.root = root
	h.memory = store.NewMemoryWithClock(func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) })
	return h
}

func (h *harness) Open(testing.TB) store.Store {
	again := *h.root
	again.Store = h.memory.Replica()
	return &again
}

func (h *harness) Advance(d time.Duration) { h.ahead.Add(int64(d)) }

func (h *harness) Flush(testing.TB) { h.memory.Flush() }

func TestFilesConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newHarness)
}

func TestKeysOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx := t.Context()
	first, err := Open(ctx, dir)
	require.NoError(t, err)
	rev, err := first.Commit(ctx, store.Commit{Group: "g", Ops: []store.Op{
		{Key: "kept", Value: []byte("one")}, {Key: "removed"}, {Key: "session", TTL: time.Hour},
	}, Appends: []store.Append{{Chunk: "c", Data: []byte("x")}}})
	require.NoError(t, err)
	_, err = first.Commit(ctx, store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{
		{Key: "kept", Any: true, Value: []byte("two")}, {Key: "removed", Any: true, Delete: true},
	}})
	require.NoError(t, err)
	_, err = first.Commit(ctx, store.Commit{Group: "dropped", Ops: []store.Op{{Key: "a"}}})
	require.NoError(t, err)
	require.NoError(t, first.Drop(ctx, "dropped"))
	require.NoError(t, first.Close())

	second, err := Open(ctx, dir)
	require.NoError(t, err)
	keys, err := second.List(ctx, "g", "")
	require.NoError(t, err)
	require.Len(t, keys.Items, 1)
	found, err := second.Get(ctx, "g", "kept")
	require.NoError(t, err)
	require.Equal(t, "two", string(found.Items[0].Value))
	require.NotEqual(t, rev.Epoch, found.Rev.Epoch)
	heads, err := second.Heads(ctx, "dropped")
	require.NoError(t, err)
	require.Zero(t, heads[0])
	require.NoError(t, second.Close())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestFileThatCannotBeWrittenIsTold(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gone")
	f, err := Open(t.Context(), dir)
	require.NoError(t, err)
	change := store.Commit{Group: "g", Ops: []store.Op{{Key: "a", Value: []byte("1")}}}
	_, err = f.Commit(t.Context(), change)
	require.ErrorContains(t, err, dir)

	require.NoError(t, os.Mkdir(dir, 0o700))
	heads, err := f.Heads(t.Context(), "g")
	require.NoError(t, err)
	change.Epoch, change.Ops[0].Key = heads[0].Epoch, "b"
	_, err = f.Commit(t.Context(), change)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	again, err := Open(t.Context(), dir)
	require.NoError(t, err)
	keys, err := again.List(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, keys.Items, 2, "both changes")
	require.NoError(t, again.Close())
}

func TestDamagedFileIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err := Open(t.Context(), filepath.Dir(path))
	require.ErrorContains(t, err, path)
}
