package redisstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// tag is what a cluster judges the server of a key by.
func tag(key string) string {
	_, rest, _ := strings.Cut(key, "{")
	inside, _, _ := strings.Cut(rest, "}")
	return inside
}

func TestKeysOfAGroupShareATag(t *testing.T) {
	t.Parallel()
	k := keys{prefix: "pulse"}
	seen := make(map[string]string)
	for _, name := range []string{"a", "}", "{}", "a}:m", "a}:v", "1:a", "{1:a}:m", "l:a", "n:a"} {
		all := k.group(name).all()
		require.NotEmpty(t, tag(all[0]), name)
		for _, key := range append(all, k.lease(name), k.counter(name)) {
			require.Empty(t, seen[key], "%q of %q", key, name)
			seen[key] = name
		}
		for _, key := range all {
			require.Equal(t, tag(all[0]), tag(key), name)
		}
	}
}

// kept counts the fields of a group's keys.
func kept(t *testing.T, admin *redis.Client, g group) map[string]int64 {
	t.Helper()
	n := make(map[string]int64)
	for _, key := range []string{g.revisions(), g.values(), g.chunks(), g.blocks()} {
		n[strings.TrimPrefix(key, string(g))] = admin.HLen(t.Context(), key).Val()
	}
	for _, key := range []string{g.names(), g.deadlines()} {
		n[strings.TrimPrefix(key, string(g))] = admin.ZCard(t.Context(), key).Val()
	}
	return n
}

func newLayout(t *testing.T) (*Store, *harness, *redis.Client, group) {
	t.Helper()
	h := newHarness(t).(*harness)
	s := h.Open(t).(*Store)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, h, h.server.admin(t, h.database), s.keys.group("g")
}

func TestCommitsRemoveWhatExpired(t *testing.T) {
	t.Parallel()
	s, h, admin, g := newLayout(t)
	c := store.Commit{Group: "g", Ops: []store.Op{{Key: "stays"}, {Key: "renewed", TTL: time.Minute}}}
	for i := range 20 {
		c.Ops = append(c.Ops, store.Op{Key: fmt.Sprint("session ", i), TTL: time.Minute})
		c.Appends = append(c.Appends, store.Append{Chunk: fmt.Sprint("chunk ", i), Data: make([]byte, 20_000), TTL: time.Minute})
	}
	rev, err := s.Commit(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"r": 22, "v": 22, "x": 20, "d": 60, "l": 42, "e": 41}, kept(t, admin, g))
	h.Advance(30 * time.Second)
	next := store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "renewed", Any: true, TTL: time.Hour}}}
	_, err = s.Commit(t.Context(), next)
	require.NoError(t, err)
	h.Advance(time.Minute)
	for range 3 {
		_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "stays", Any: true}}})
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int64{"r": 2, "v": 2, "x": 0, "d": 0, "l": 2, "e": 1}, kept(t, admin, g))
}

func TestLargeChunkGoesInSteps(t *testing.T) {
	t.Parallel()
	s, _, admin, g := newLayout(t)
	const blocks = 2500
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Appends: []store.Append{{Chunk: "c", Data: make([]byte, blocks*8192-1)}},
	})
	require.NoError(t, err)
	require.Equal(t, int64(blocks), kept(t, admin, g)["d"])
	require.NoError(t, s.ReplaceChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, blocks*8192-1, []byte("new"), 0))
	for _, left := range []int64{1501, 501, 1, 1} {
		require.Equal(t, left, kept(t, admin, g)["d"])
		_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
		require.NoError(t, err)
	}
	require.Zero(t, kept(t, admin, g)["e"])
	data, _, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
}

func TestDropLeavesNothing(t *testing.T) {
	t.Parallel()
	s, _, admin, _ := newLayout(t)
	_, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", TTL: time.Hour}}, Appends: []store.Append{{Chunk: "c", Data: []byte("x")}},
	})
	require.NoError(t, err)
	require.Equal(t, int64(7), admin.DBSize(t.Context()).Val(), "the group's keys have a fixed number")
	require.NoError(t, s.Drop(t.Context(), "g"))
	require.Zero(t, admin.DBSize(t.Context()).Val())
}

func TestLeasesAndCountersLeaveByThemselves(t *testing.T) {
	t.Parallel()
	s, _, admin, _ := newLayout(t)
	_, err := s.Acquire(t.Context(), "l", "me", time.Minute)
	require.NoError(t, err)
	for range 2 {
		_, _, err = s.Count(t.Context(), "c", 5, time.Minute)
		require.NoError(t, err)
	}
	for _, key := range []string{s.keys.lease("l"), s.keys.counter("c")} {
		left := admin.PTTL(t.Context(), key).Val()
		require.Greater(t, left, 50*time.Second, key)
		require.LessOrEqual(t, left, 61*time.Second, key)
	}
}

func TestPrefixesKeepStoresApart(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	a, b := openStore(t, srv.url(0)+"?prefix=a"), openStore(t, srv.url(0)+"?prefix=a:b")
	_, err := a.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "k"}}})
	require.NoError(t, err)
	heads, err := b.Heads(t.Context(), "g")
	require.NoError(t, err)
	require.Zero(t, heads[0])
	_, err = a.Acquire(t.Context(), "l", "a", time.Hour)
	require.NoError(t, err)
	_, err = b.Acquire(t.Context(), "l", "b", time.Hour)
	require.NoError(t, err)
}

// trips counts the commands and pipelines a store sends.
type trips struct{ n int }

func (tr *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (tr *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { tr.n++; return next(ctx, cmd) }
}

func (tr *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { tr.n++; return next(ctx, cmds) }
}

func TestEveryCallIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	s, _, _, _ := newLayout(t)
	c := store.Commit{Group: "g", Ops: []store.Op{{Key: "a"}, {Key: "b"}}, Appends: []store.Append{{Chunk: "c", Data: []byte("x")}}}
	rev, err := s.Commit(t.Context(), c) // sends the script
	require.NoError(t, err)
	again := store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}}
	id := store.ChunkID{Group: "g", Name: "c"}
	calls := map[string]func() error{
		"Heads":  func() error { _, err := s.Heads(t.Context(), "g", "h", "i"); return err },
		"Get":    func() error { _, err := s.Get(t.Context(), "g", "a", "b"); return err },
		"List":   func() error { _, err := s.List(t.Context(), "g", ""); return err },
		"Chunks": func() error { _, err := s.Chunks(t.Context(), "g", ""); return err },
		"Read":   func() error { _, _, err := s.ReadChunk(t.Context(), id, 0, -1); return err },
		"Commit": func() error { _, err := s.Commit(t.Context(), again); return err },
		"CommitMany": func() error {
			_, err := s.CommitMany(t.Context(), []store.Commit{again, again})
			return err
		},
		"Count":   func() error { _, _, err := s.Count(t.Context(), "n", 99, time.Hour); return err },
		"Acquire": func() error { _, err := s.Acquire(t.Context(), "l", "me", time.Hour); return err },
		"Release": func() error { return s.Release(t.Context(), store.Lease{Name: "l", Holder: "me"}) },
		"Publish": func() error { return s.Publish(t.Context(), store.Hint{Group: "g"}) },
	}
	for name, call := range calls {
		require.NoError(t, call(), name) // the first may send a script, or make a connection
		var counted trips
		s.client.AddHook(&counted)
		require.NoError(t, call(), name)
		require.Equal(t, 1, counted.n, name)
	}
}
