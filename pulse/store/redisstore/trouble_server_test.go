package redisstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// adminAs is a client of a server that asks for a password.
func (s *server) adminAs(tb testing.TB, password string) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.address, Password: password, Protocol: 2})
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	return client
}

func TestForgottenScriptsAreSentAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s, admin := openStore(t, server.url(0)), server.admin(t, 0)
	forget := func() { require.NoError(t, admin.ScriptFlush(t.Context()).Err()) }
	id := store.ChunkID{Group: "g", Name: "c"}
	forget()
	rev := put(t, s, "g", "a", "1")
	forget()
	requireValue(t, s, "g", "a", "1")
	forget()
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 0, []byte("x"), 0))
	forget()
	_, size, err := s.ReadChunk(t.Context(), id, 0, -1)
	require.NoError(t, err)
	require.EqualValues(t, 1, size)
	forget()
	list, err := s.List(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	forget()
	chunks, err := s.Chunks(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, chunks, 1)
	forget()
	ok, _, err := s.Count(t.Context(), "n", 1, time.Hour)
	require.NoError(t, err)
	require.True(t, ok)
	forget()
	lease, err := s.Acquire(t.Context(), "l", "me", time.Hour)
	require.NoError(t, err)
	forget()
	require.NoError(t, s.Release(t.Context(), lease))

	forget()
	var commits []store.Commit
	for i := range 5 {
		commits = append(commits,
			store.Commit{Group: fmt.Sprint("new", i), Ops: []store.Op{{Key: "a"}}},
			store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{
				Key: "a", Rev: store.Revision{Epoch: rev.Epoch, N: rev.N + uint64(i)}, Value: []byte(fmt.Sprint(i)),
			}}})
	}
	results, err := s.CommitMany(t.Context(), commits)
	require.NoError(t, err)
	for i, r := range results {
		require.NoError(t, r.Err, i)
	}
	requireValue(t, s, "g", "a", "4")
}

func TestFullServerKeepsWhatItHasAndTakesRemovals(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s, admin := openStore(t, server.url(0)), server.admin(t, 0)
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", Value: []byte("kept")}, {Key: "old", Value: noise(100_000)}},
		Appends: []store.Append{{Chunk: "c", Data: noise(100_000)}},
	})
	require.NoError(t, err)
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "1").Err())
	id := store.ChunkID{Group: "g", Name: "c"}
	commits := []store.Commit{
		{Group: "new", Ops: []store.Op{{Key: "a"}}},
		{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Value: []byte("lost")}, {Key: "old", Rev: rev, Delete: true}}},
		{Group: "g", Epoch: rev.Epoch, Appends: []store.Append{{Chunk: "c", At: 100_000, Data: []byte("x")}}},
	}
	for _, c := range commits {
		_, err = s.Commit(t.Context(), c)
		require.ErrorIs(t, err, store.ErrFull)
		require.ErrorContains(t, err, server.address)
	}
	_, err = s.CommitMany(t.Context(), commits)
	require.ErrorIs(t, err, store.ErrFull)
	require.ErrorIs(t, s.ReplaceChunk(t.Context(), id, 100_000, []byte("x"), 0), store.ErrFull)
	_, _, err = s.Count(t.Context(), "logins", 1, time.Hour)
	require.ErrorIs(t, err, store.ErrFull)
	_, err = s.Acquire(t.Context(), "lease", "me", time.Hour)
	require.ErrorIs(t, err, store.ErrFull)

	again := openStore(t, server.url(0)) // what it has can be read
	requireValue(t, again, "g", "a", "kept")
	heads, err := s.Heads(t.Context(), "g", "new")
	require.NoError(t, err)
	require.Equal(t, []store.Revision{rev, {}}, heads)
	_, size, err := s.ReadChunk(t.Context(), id, 0, 0)
	require.NoError(t, err)
	require.EqualValues(t, 100_000, size)

	next, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "old", Rev: rev, Delete: true}}})
	require.NoError(t, err, "removing makes room")
	require.Equal(t, rev.N+1, next.N)
	require.NoError(t, s.ReplaceChunk(t.Context(), id, 100_000, nil, 0))
	require.NoError(t, s.Drop(t.Context(), "another"))
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "0").Err())
	put(t, s, "g", "a", "there is room again")
}

func TestServerThatCannotSaveIsFull(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s, admin := openStore(t, server.url(0)), server.admin(t, 0)
	rev := put(t, s, "g", "a", "1")
	// A directory in the place of the file makes the next save fail.
	require.NoError(t, admin.ConfigSet(t.Context(), "save", "3600 1").Err())
	require.NoError(t, admin.ConfigSet(t.Context(), "stop-writes-on-bgsave-error", "yes").Err())
	require.NoError(t, breakSaving(server.dir))
	require.NoError(t, admin.BgSave(t.Context()).Err())
	require.Eventually(t, func() bool {
		info, err := admin.Info(t.Context(), "persistence").Result()
		return err == nil && strings.Contains(info, "rdb_last_bgsave_status:err")
	}, time.Minute, 10*time.Millisecond)
	_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev}}})
	require.ErrorIs(t, err, store.ErrFull)
	require.ErrorContains(t, err, server.address)
	requireValue(t, s, "g", "a", "1")
}

func TestServerThatBecomesAReplicaIsReadOnly(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s, admin := openStore(t, server.url(0)), server.admin(t, 0)
	rev := put(t, s, "g", "a", "1")
	require.NoError(t, admin.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev}}})
	require.ErrorContains(t, err, server.address)
	require.False(t, store.Refused(err), "%v", err)
	require.NotErrorIs(t, err, store.ErrFull)
	require.NoError(t, admin.ReplicaOf(t.Context(), "NO", "ONE").Err())
	next := put(t, s, "g", "a", "2")
	require.Equal(t, rev.Epoch, next.Epoch)
}

func TestDroppedGroupLeavesNothing(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s, admin := openStore(t, server.url(0)), server.admin(t, 0)
	c := store.Commit{Group: "g"}
	for i := range store.MaxAppends {
		c.Appends = append(c.Appends, store.Append{Chunk: fmt.Sprint(i), Data: noise(20_000), TTL: time.Hour})
		c.Ops = append(c.Ops, store.Op{Key: fmt.Sprint(i), Value: noise(1000), TTL: time.Hour})
	}
	_, err := s.Commit(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, s.Drop(t.Context(), "g"))
	size, err := admin.DBSize(t.Context()).Result()
	require.NoError(t, err)
	require.Zero(t, size)
}

// BenchmarkTraffic tells what one commit of a pass costs: patched readings of 1,000 guests, checked against two keys.
func BenchmarkTraffic(b *testing.B) {
	server := startServer(b)
	s, admin := openStore(b, server.url(0)), server.admin(b, 0)
	rev := put(b, s, "target-1", "observation", "{}")
	readings := noise(15_000)
	count := func(section, name string) int64 {
		info, err := admin.Info(b.Context(), section).Result()
		require.NoError(b, err)
		_, rest, found := strings.Cut(info, name)
		require.True(b, found, name)
		var n int64
		_, err = fmt.Sscan(rest[:strings.IndexAny(rest, ",\r")], &n)
		require.NoError(b, err)
		return n
	}
	costs := []struct{ unit, section, name string }{
		{"requests/op", "commandstats", "cmdstat_evalsha:calls="},
		{"commands/op", "stats", "total_commands_processed:"}, // with those inside the script
		{"B-in/op", "stats", "total_net_input_bytes:"},
		{"B-out/op", "stats", "total_net_output_bytes:"},
	}
	commit := func() {
		_, err := s.Commit(b.Context(), store.Commit{Group: "target-1", Epoch: rev.Epoch, Ops: []store.Op{
			{Key: "readings", Any: true, Value: readings}, {Key: "observation", Rev: rev, CheckOnly: true},
		}})
		require.NoError(b, err)
	}
	commit()
	b.ReportAllocs()
	before := make([]int64, len(costs))
	for i, c := range costs {
		before[i] = count(c.section, c.name)
	}
	for b.Loop() {
		commit()
	}
	for i, c := range costs {
		b.ReportMetric(float64(count(c.section, c.name)-before[i])/float64(b.N), c.unit)
	}
}

// breakSaving puts a directory in the place of the file a server saves to.
func breakSaving(dir string) error {
	return os.MkdirAll(filepath.Join(dir, "dump.rdb", "in the way"), 0o700)
}
