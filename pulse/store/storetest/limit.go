package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func limitChecks() []check {
	return []check{
		{"BadNamesAreInvalid", badNames},
		{"BadCommitsAreInvalid", badCommits},
		{"BadArgumentsAreInvalid", badArguments},
		{"LargeValues", largeValues},
	}
}

func badNames(t *testing.T, h Harness) {
	s := open(t, h)
	ctx := t.Context()
	for _, name := range []string{"", "a\x00b", "\xff", "a\xc3", strings.Repeat("k", store.MaxNameBytes+1)} {
		_, err := s.Heads(ctx, "g", name)
		require.ErrorIs(t, err, store.ErrInvalid, "heads of %q", name)
		_, err = s.Get(ctx, name, "a")
		require.ErrorIs(t, err, store.ErrInvalid, "get from %q", name)
		_, err = s.Get(ctx, "g", "a", name)
		require.ErrorIs(t, err, store.ErrInvalid, "get %q", name)
		_, err = s.List(ctx, name, "")
		require.ErrorIs(t, err, store.ErrInvalid, "list %q", name)
		_, err = s.Chunks(ctx, name, "")
		require.ErrorIs(t, err, store.ErrInvalid, "chunks of %q", name)
		_, err = s.Commit(ctx, store.Commit{Group: name, Ops: []store.Op{{Key: "a"}}})
		require.ErrorIs(t, err, store.ErrInvalid, "commit to %q", name)
		_, err = s.Commit(ctx, store.Commit{Group: "g", Ops: []store.Op{{Key: name}}})
		require.ErrorIs(t, err, store.ErrInvalid, "commit of %q", name)
		_, err = s.Commit(ctx, store.Commit{Group: "g", Appends: []store.Append{{Chunk: name, Data: []byte("x")}}})
		require.ErrorIs(t, err, store.ErrInvalid, "append to %q", name)
		require.ErrorIs(t, s.Drop(ctx, name), store.ErrInvalid, "drop %q", name)
		_, _, err = s.Count(ctx, name, 1, time.Minute)
		require.ErrorIs(t, err, store.ErrInvalid, "count %q", name)
		for _, id := range []store.ChunkID{{Group: name, Name: "c"}, {Group: "g", Name: name}} {
			_, _, err = s.ReadChunk(ctx, id, 0, 1)
			require.ErrorIs(t, err, store.ErrInvalid, "read %q", id)
			require.ErrorIs(t, s.ReplaceChunk(ctx, id, 0, []byte("x"), 0), store.ErrInvalid, "replace %q", id)
		}
		_, err = s.Acquire(ctx, name, "me", time.Minute)
		require.ErrorIs(t, err, store.ErrInvalid, "acquire %q", name)
		_, err = s.Acquire(ctx, "lease", name, time.Minute)
		require.ErrorIs(t, err, store.ErrInvalid, "acquire by %q", name)
		require.ErrorIs(t, s.Release(ctx, store.Lease{Name: name, Holder: "me"}), store.ErrInvalid, "release %q", name)
		require.ErrorIs(t, s.Release(ctx, store.Lease{Name: "lease", Holder: name}), store.ErrInvalid, "release by %q", name)
		require.ErrorIs(t, s.Publish(ctx, store.Hint{Group: name}), store.ErrInvalid, "publish %q", name)
		if name == "" {
			continue
		}
		_, err = s.List(ctx, "g", name)
		require.ErrorIs(t, err, store.ErrInvalid, "list prefix %q", name)
		_, err = s.Chunks(ctx, "g", name)
		require.ErrorIs(t, err, store.ErrInvalid, "chunks prefix %q", name)
	}
	require.Zero(t, head(t, s, "g"))
}

func badCommits(t *testing.T, h Harness) {
	s := open(t, h)
	many := make([]store.Op, store.MaxOps+1)
	appends := make([]store.Append, store.MaxAppends+1)
	for i := range many {
		many[i] = store.Op{Key: fmt.Sprint(i)}
		appends[i] = store.Append{Chunk: fmt.Sprint(i), Data: []byte("x")}
	}
	huge := make([]byte, store.MaxValueBytes+1)
	most := huge[:store.MaxValueBytes]
	rev := store.Revision{Epoch: 1, N: 1}
	tests := map[string]store.Commit{
		"nothing":                  {},
		"too many keys":            {Ops: many},
		"too many appends":         {Appends: appends},
		"a key twice":              {Ops: []store.Op{{Key: "a"}, {Key: "b"}, {Key: "a", CheckOnly: true}}},
		"a chunk twice":            {Appends: []store.Append{{Chunk: "a", Data: []byte("x")}, {Chunk: "a", At: 1, Data: []byte("x")}}},
		"check of nothing":         {Ops: []store.Op{{Key: "a", Any: true, CheckOnly: true}}},
		"check and delete":         {Ops: []store.Op{{Key: "a", CheckOnly: true, Delete: true}}},
		"any with a revision":      {Ops: []store.Op{{Key: "a", Any: true, Rev: rev}}},
		"check with a value":       {Ops: []store.Op{{Key: "a", CheckOnly: true, Value: []byte("x")}}},
		"delete with a value":      {Ops: []store.Op{{Key: "a", Delete: true, Value: []byte("x")}}},
		"delete with an expiry":    {Ops: []store.Op{{Key: "a", Delete: true, TTL: time.Minute}}},
		"negative expiry":          {Ops: []store.Op{{Key: "a", TTL: -1}}},
		"value too large":          {Ops: []store.Op{{Key: "a", Value: huge}}},
		"commit too large":         {Ops: []store.Op{{Key: "a", Value: most}, {Key: "b", Value: most}, {Key: "c", Value: []byte("x")}}},
		"empty append":             {Appends: []store.Append{{Chunk: "a"}}},
		"append too large":         {Appends: []store.Append{{Chunk: "a", Data: huge}}},
		"append at a negative":     {Appends: []store.Append{{Chunk: "a", At: -1, Data: []byte("x")}}},
		"append beyond all limits": {Appends: []store.Append{{Chunk: "a", At: store.MaxChunkBytes, Data: []byte("x")}}},
		"append, negative expiry":  {Appends: []store.Append{{Chunk: "a", Data: []byte("x"), TTL: -1}}},
	}
	for name, c := range tests {
		c.Group = "g"
		_, err := s.Commit(t.Context(), c)
		require.ErrorIs(t, err, store.ErrInvalid, name)
	}
	require.Zero(t, head(t, s, "g"))
}

func badArguments(t *testing.T, h Harness) {
	s := open(t, h)
	ctx := t.Context()
	rev := put(t, s, "g", "a", "1")
	_, err := s.Get(ctx, "g", make([]string, store.MaxGetKeys+1)...)
	require.ErrorIs(t, err, store.ErrInvalid)
	for _, bad := range []struct {
		limit  int64
		window time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {1, 0}, {1, -time.Minute}} {
		_, _, err = s.Count(ctx, "c", bad.limit, bad.window)
		require.ErrorIs(t, err, store.ErrInvalid, "%+v", bad)
	}
	for _, ttl := range []time.Duration{0, -time.Minute} {
		_, err = s.Acquire(ctx, "lease", "me", ttl)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
	id := store.ChunkID{Group: "g", Name: "c"}
	_, _, err = s.ReadChunk(ctx, id, -1, 1)
	require.ErrorIs(t, err, store.ErrInvalid)
	require.ErrorIs(t, s.ReplaceChunk(ctx, id, -1, []byte("x"), 0), store.ErrInvalid)
	require.ErrorIs(t, s.ReplaceChunk(ctx, id, 0, []byte("x"), -1), store.ErrInvalid)
	require.ErrorIs(t, s.ReplaceChunk(ctx, id, 0, make([]byte, store.MaxValueBytes+1), 0), store.ErrInvalid)
	require.Equal(t, rev, head(t, s, "g"))
}

// largeValues uses values that compress well and values that do not.
func largeValues(t *testing.T, h Harness) {
	s := open(t, h)
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{1 << 10, 4096, 100_000, 3 << 20, store.MaxValueBytes} {
		noise := make([]byte, size)
		_, _ = random.Read(noise)
		text := bytes.Repeat([]byte(`{"guest":"vm","cpu":0.25}`), size/25+1)[:size]
		c := store.Commit{
			Group: "g", Epoch: head(t, s, "g").Epoch,
			Ops: []store.Op{{Key: "noise", Any: true, Value: noise}, {Key: "text", Any: true, Value: text}},
		}
		rev, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
		got, err := s.Get(t.Context(), "g", "text", "noise")
		require.NoError(t, err)
		require.Equal(t, rev, got.Rev)
		require.Len(t, got.Items, 2)
		require.True(t, bytes.Equal(text, got.Items[0].Value), "text of %d bytes", size)
		require.True(t, bytes.Equal(noise, got.Items[1].Value), "noise of %d bytes", size)
	}
}
