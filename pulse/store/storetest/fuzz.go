package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Fuzz tries any bytes as names of a group, a key and a chunk, and as a value: each is refused by [store.ErrInvalid] and
// changes nothing, or reads back as it was written.
func Fuzz(f *testing.F, newHarness Maker) {
	f.Helper()
	for _, name := range oddNames() {
		f.Add(name, name, []byte(name))
	}
	f.Add("g", "a\x00b", []byte(nil))
	f.Add("\xff", "a", []byte{0})
	s := open(f, newHarness(f))
	f.Fuzz(func(t *testing.T, group, name string, value []byte) {
		c := store.Commit{Group: group, Ops: []store.Op{{Key: name, Any: true, Value: value}}}
		if len(value) > 0 {
			c.Appends = []store.Append{{Chunk: name, Data: value}}
		}
		if err := c.Validate(); err != nil {
			_, err = s.Commit(t.Context(), c)
			require.ErrorIs(t, err, store.ErrInvalid)
			return
		}
		require.NoError(t, s.Drop(t.Context(), group))
		rev, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
		got, err := s.Get(t.Context(), group, name)
		require.NoError(t, err)
		require.Equal(t, store.Group{Rev: rev, Items: []store.Item{{Key: name, Rev: rev, Value: append([]byte{}, value...)}}}, got)
		requireLists(t, s, group, name, []string{name})
		data, size, err := s.ReadChunk(t.Context(), store.ChunkID{Group: group, Name: name}, 0, -1)
		require.NoError(t, err)
		require.Equal(t, int64(len(value)), size)
		require.Equal(t, string(value), string(data))
		require.NoError(t, s.Drop(t.Context(), group))
	})
}
