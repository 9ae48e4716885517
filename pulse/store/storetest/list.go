package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func listChecks() []check {
	return []check{
		{"PrefixAndByteOrder", prefixAndOrder},
		{"OddNamesEverywhere", oddNamesEverywhere},
		{"FuzzedKeys", fuzzedKeys},
	}
}

// oddNames are names a store's own syntax might trip over.
func oddNames() []string {
	return []string{
		"a", "A", "a ", " a", "a\n", "\t", "\x01", "\x7f", "a/b", "a/", "/", "..", "%", "a%", "_", "*", "?", "[a]", "{a}", "}", "{", "{}",
		":", "a:b", `"`, "'", "';--", "`", `\`, `\x00`, "$1", "NULL", "0", "00", "1e3", "-1", "ключ", "é", "e\u0301", "日本", "\u2028",
		"\ufeff", "\uffff", "\U0010ffff", "🙂", strings.Repeat("k", store.MaxNameBytes), strings.Repeat("é", store.MaxNameBytes/2),
	}
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	require.TestingT
	Context() context.Context
}

// requireLists compares what List gives for a prefix with what the keys say.
func requireLists(tb failer, s store.Store, group, prefix string, keys []string) {
	got, err := s.List(tb.Context(), group, prefix)
	require.NoError(tb, err)
	var want, have []string
	for _, k := range keys {
		if strings.HasPrefix(k, prefix) {
			want = append(want, k)
		}
	}
	slices.Sort(want)
	for _, item := range got.Items {
		require.Nil(tb, item.Value)
		have = append(have, item.Key)
	}
	require.Equal(tb, want, have, "prefix %q", prefix)
}

func prefixAndOrder(t *testing.T, h Harness) {
	s := open(t, h)
	keys := []string{"node/b", "node/a", "node", "node/", "nod", "nodf", "node/\U0010ffff", "z", "node0"}
	for _, k := range keys {
		put(t, s, "g", k, "value of "+k)
	}
	put(t, s, "other", "node/elsewhere", "1")
	for _, prefix := range append([]string{"", "n", "node/\U0010ffff", "absent", "\U0010ffff"}, keys...) {
		requireLists(t, s, "g", prefix, keys)
	}
}

func oddNamesEverywhere(t *testing.T, h Harness) {
	s := open(t, h)
	names := oddNames()
	for _, chunk := range [][]string{names[:store.MaxOps/2], names[store.MaxOps/2:]} {
		c := store.Commit{Group: "keys", Epoch: head(t, s, "keys").Epoch}
		for _, name := range chunk {
			c.Ops = append(c.Ops, store.Op{Key: name, Value: []byte("key " + name)})
			c.Appends = append(c.Appends, store.Append{Chunk: name, Data: []byte("chunk " + name)})
		}
		_, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
	}
	for _, name := range names {
		require.Equal(t, "key "+name, string(get(t, s, "keys", name).Value))
		requireLists(t, s, "keys", name, names)
		data, _, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "keys", Name: name}, 0, -1)
		require.NoError(t, err)
		require.Equal(t, "chunk "+name, string(data))
	}
	requireLists(t, s, "keys", "", names)
	chunks, err := s.Chunks(t.Context(), "keys", "")
	require.NoError(t, err)
	require.Len(t, chunks, len(names))
	for _, name := range names {
		require.Zero(t, head(t, s, name))
		put(t, s, name, "k", name)
	}
	for i, name := range names {
		require.Equal(t, name, string(get(t, s, name, "k").Value))
		if i%2 == 0 {
			require.NoError(t, s.Drop(t.Context(), name))
		}
	}
	for i, name := range names {
		require.Equal(t, i%2 == 0, head(t, s, name).IsZero(), "group %q", name)
	}
}

func fuzzedKeys(t *testing.T, h Harness) {
	s := open(t, h)
	name := rapid.StringN(1, 40, 200).Filter(func(n string) bool { return store.ValidateName("key", n) == nil })
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(name, 1, 12, rapid.ID).Draw(rt, "keys")
		require.NoError(rt, s.Drop(rt.Context(), "g"))
		c := store.Commit{Group: "g"}
		for _, k := range keys {
			c.Ops = append(c.Ops, store.Op{Key: k, Value: []byte(k)})
		}
		rev, err := s.Commit(rt.Context(), c)
		require.NoError(rt, err)
		got, err := s.Get(rt.Context(), "g", keys...)
		require.NoError(rt, err)
		want := store.Group{Rev: rev}
		for _, k := range keys {
			want.Items = append(want.Items, store.Item{Key: k, Rev: rev, Value: []byte(k)})
		}
		require.Equal(rt, want, got)
		whole := []rune(rapid.SampledFrom(keys).Draw(rt, "key"))
		requireLists(rt, s, "g", string(whole[:rapid.IntRange(0, len(whole)).Draw(rt, "cut")]), keys)
	})
}
