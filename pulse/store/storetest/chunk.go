package storetest

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func chunkChecks() []check {
	return []check{
		{"AppendsAtTheEnd", appendsAtEnd},
		{"ReadsAnyPart", readsAnyPart},
		{"Replace", replaceChunk},
		{"Listing", listChunks},
		{"Expiry", chunksExpire},
		{"LargeChunk", largeChunk},
	}
}

func appendTo(tb testing.TB, s store.Store, chunk string, at int64, data []byte, ttl time.Duration) error {
	tb.Helper()
	_, err := s.Commit(tb.Context(), store.Commit{
		Group: "g", Epoch: head(tb, s, "g").Epoch, Appends: []store.Append{{Chunk: chunk, At: at, Data: data, TTL: ttl}},
	})
	return err
}

func requireChunk(tb testing.TB, s store.Store, chunk, want string) {
	tb.Helper()
	data, size, err := s.ReadChunk(tb.Context(), store.ChunkID{Group: "g", Name: chunk}, 0, -1)
	require.NoError(tb, err)
	require.Equal(tb, want, string(data))
	require.Equal(tb, int64(len(want)), size)
}

func appendsAtEnd(t *testing.T, h Harness) {
	s := open(t, h)
	requireChunk(t, s, "c", "")
	require.NoError(t, appendTo(t, s, "c", 0, []byte("one"), 0))
	require.NoError(t, appendTo(t, s, "c", 3, []byte("two"), 0))
	for _, at := range []int64{0, 3, 5, 7} {
		requireConflict(t, appendTo(t, s, "c", at, []byte("three"), 0), "", "c")
	}
	requireConflict(t, appendTo(t, s, "d", 1, []byte("x"), 0), "", "d")
	requireChunk(t, s, "c", "onetwo")
	requireChunk(t, s, "d", "")
}

func readsAnyPart(t *testing.T, h Harness) {
	s := open(t, h)
	var whole []byte
	for i := range 50 {
		part := bytes.Repeat([]byte(strconv.Itoa(i)), i%7+1)
		require.NoError(t, appendTo(t, s, "c", int64(len(whole)), part, 0))
		whole = append(whole, part...)
	}
	n := int64(len(whole))
	id := store.ChunkID{Group: "g", Name: "c"}
	for _, off := range []int64{0, 1, 2, 17, n / 2, n - 1, n, n + 1, n + 1000} {
		for _, count := range []int64{-1, 0, 1, 2, 10, n / 2, n, n + 1, 1 << 40} {
			data, size, err := s.ReadChunk(t.Context(), id, off, count)
			require.NoError(t, err)
			require.Equal(t, n, size)
			want := whole[min(off, n):]
			if count >= 0 {
				want = want[:min(count, int64(len(want)))]
			}
			require.Equal(t, string(want), string(data), "%d bytes at %d", count, off)
		}
	}
}

func replaceChunk(t *testing.T, h Harness) {
	s := open(t, h)
	id := store.ChunkID{Group: "g", Name: "c"}
	require.ErrorIs(t, s.ReplaceChunk(t.Context(), id, 0, []byte("x"), 0), store.ErrGone, "the group does not exist")
	put(t, s, "g", "a", "1")
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 0, []byte("new"), 0))
	requireChunk(t, s, "c", "new")
	for _, size := range []int64{0, 2, 4} {
		requireConflict(t, s.ReplaceChunk(t.Context(), id, size, []byte("x"), 0), "", "c")
	}
	require.NoError(t, appendTo(t, s, "c", 3, []byte("er"), 0))
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 5, []byte("x"), 0))
	require.NoError(t, appendTo(t, s, "c", 1, []byte("y"), 0))
	requireChunk(t, s, "c", "xy")
	for _, none := range [][]byte{nil, {}} {
		require.NoError(t, s.ReplaceChunk(t.Context(), id, 2, none, 0))
		requireChunk(t, s, "c", "")
		require.NoError(t, s.ReplaceChunk(t.Context(), id, 0, none, 0), "removing what is absent")
		require.NoError(t, appendTo(t, s, "c", 0, []byte("zz"), 0))
	}
	requireChunk(t, s, "c", "zz")
}

func listChunks(t *testing.T, h Harness) {
	s := open(t, h)
	for i, name := range []string{"cpu/2", "cpu/1", "mem/1", "cpu"} {
		require.NoError(t, appendTo(t, s, name, 0, make([]byte, i+1), 0))
	}
	put(t, s, "g", "cpu/key", "not a chunk")
	list := func(prefix string) []store.ChunkInfo {
		chunks, err := s.Chunks(t.Context(), "g", prefix)
		require.NoError(t, err)
		return chunks
	}
	cpu := []store.ChunkInfo{{Name: "cpu/1", SizeBytes: 2}, {Name: "cpu/2", SizeBytes: 1}}
	require.Equal(t, cpu, list("cpu/"))
	require.Equal(t, []store.ChunkInfo{{Name: "cpu", SizeBytes: 4}, cpu[0], cpu[1], {Name: "mem/1", SizeBytes: 3}}, list(""))
	require.Empty(t, list("disk"))
	require.NoError(t, s.ReplaceChunk(t.Context(), store.ChunkID{Group: "g", Name: "cpu/1"}, 2, nil, 0))
	require.Equal(t, cpu[1:], list("cpu/"))
	keys, err := s.List(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, keys.Items, 1, "chunks are no keys")
}

func chunksExpire(t *testing.T, h Harness) {
	s := open(t, h)
	id := store.ChunkID{Group: "g", Name: "replaced"}
	require.NoError(t, appendTo(t, s, "short", 0, []byte("x"), time.Minute))
	require.NoError(t, appendTo(t, s, "ever", 0, []byte("x"), 0))
	require.NoError(t, appendTo(t, s, "prolonged", 0, []byte("x"), time.Minute))
	require.NoError(t, appendTo(t, s, "prolonged", 1, []byte("y"), time.Hour))
	require.NoError(t, appendTo(t, s, "kept", 0, []byte("x"), time.Hour))
	require.NoError(t, appendTo(t, s, "kept", 1, []byte("y"), 0))
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 0, []byte("x"), time.Minute))
	h.Advance(2 * time.Minute)
	requireChunk(t, s, "short", "")
	requireChunk(t, s, "replaced", "")
	requireChunk(t, s, "prolonged", "xy")
	requireChunk(t, s, "kept", "xy")
	chunks, err := s.Chunks(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, chunks, 3)
	requireConflict(t, appendTo(t, s, "short", 1, []byte("y"), 0), "", "short")
	require.NoError(t, appendTo(t, s, "short", 0, []byte("new"), 0))
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 0, []byte("again"), 0))
	h.Advance(2 * time.Hour)
	requireChunk(t, s, "short", "new")
	requireChunk(t, s, "replaced", "again")
	requireChunk(t, s, "prolonged", "")
	requireChunk(t, s, "kept", "")
	requireChunk(t, s, "ever", "x")
}

func largeChunk(t *testing.T, h Harness) {
	s := open(t, h)
	id := store.ChunkID{Group: "g", Name: "c"}
	var whole []byte
	for i := range 5 {
		part := bytes.Repeat([]byte{byte('a' + i), byte(i)}, 400_000)
		require.NoError(t, appendTo(t, s, "c", int64(len(whole)), part, 0))
		whole = append(whole, part...)
	}
	for _, off := range []int64{0, 1<<16 - 1, 1 << 16, 799_990, 2_345_678} {
		data, size, err := s.ReadChunk(t.Context(), id, off, 100_000)
		require.NoError(t, err)
		require.Equal(t, int64(len(whole)), size)
		require.True(t, bytes.Equal(whole[off:off+100_000], data), "at %d", off)
	}
	whole = whole[:1_000_001]
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 4_000_000, whole, 0))
	data, _, err := s.ReadChunk(t.Context(), id, 0, -1)
	require.NoError(t, err)
	require.True(t, bytes.Equal(whole, data))
}
