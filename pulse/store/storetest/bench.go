package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Benchmarks measures what a pass does with its store: the heads of many groups, reading and writing one target's keys,
// and appending its samples.
func Benchmarks(b *testing.B, newHarness Maker) {
	b.Helper()
	run := func(name string, f func(b *testing.B, s store.Store)) {
		b.Run(name, func(b *testing.B) {
			s := open(b, newHarness(b))
			b.ReportAllocs()
			f(b, s)
		})
	}
	run("Heads/groups=50", benchHeads)
	for _, size := range []int{1 << 10, 300 << 10, 3 << 20} {
		run(fmt.Sprintf("Get/value=%dKiB", size>>10), func(b *testing.B, s store.Store) { benchGet(b, s, size) })
		run(fmt.Sprintf("Commit/value=%dKiB", size>>10), func(b *testing.B, s store.Store) { benchCommit(b, s, size, false) })
	}
	run("Commit/value=1KiB/durable", func(b *testing.B, s store.Store) { benchCommit(b, s, 1<<10, true) })
	run("Append/data=2KiB", benchAppend)
	run("AppendMany/groups=10/data=2KiB", benchAppendMany)
	run("ReadChunk/data=64KiB", benchReadChunk)
}

// document looks like what Pulse stores: JSON with names that repeat and numbers that do not.
func document(size int) []byte {
	var b bytes.Buffer
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark needs the same numbers each time
	for vmid := 100; b.Len() < size; vmid++ {
		fmt.Fprintf(&b, `{"vmid":%d,"name":"guest-%d","node":"pve%d","status":"running","cpu":%.12f,"mem":%d,"netin":%d,"netout":%d}`,
			vmid, vmid, vmid%30, random.Float64(), random.Uint64()>>30, random.Uint64()>>24, random.Uint64()>>24)
	}
	return b.Bytes()[:size]
}

func benchHeads(b *testing.B, s store.Store) {
	var groups []string
	for i := range 50 {
		groups = append(groups, fmt.Sprint("target-", i))
		put(b, s, groups[i], "a", "1")
	}
	for b.Loop() {
		_, err := s.Heads(b.Context(), groups...)
		require.NoError(b, err)
	}
}

func benchGet(b *testing.B, s store.Store, size int) {
	put(b, s, "g", "observation", string(document(size)), "alerts", "{}")
	b.SetBytes(int64(size))
	for b.Loop() {
		_, err := s.Get(b.Context(), "g", "observation", "alerts")
		require.NoError(b, err)
	}
}

func benchCommit(b *testing.B, s store.Store, size int, durable bool) {
	value := document(size)
	b.SetBytes(int64(size))
	rev := put(b, s, "g", "observation", "", "alerts", "{}")
	alerts := rev
	for b.Loop() {
		var err error
		rev, err = s.Commit(b.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Durable: durable, Ops: []store.Op{
			{Key: "observation", Rev: rev, Value: value}, {Key: "alerts", Rev: alerts, CheckOnly: true},
		}})
		require.NoError(b, err)
	}
}

// benchChunkLimit is the size at which the benchmarks begin their chunk anew, as history does.
const benchChunkLimit = 1 << 20

func nextAppend(ctx context.Context, b *testing.B, s store.Store, group string, at int64, data []byte) store.Append {
	b.Helper()
	if at+int64(len(data)) <= benchChunkLimit {
		return store.Append{Chunk: "c", At: at, Data: data}
	}
	require.NoError(b, s.ReplaceChunk(ctx, store.ChunkID{Group: group, Name: "c"}, at, nil, 0))
	return store.Append{Chunk: "c", Data: data}
}

func benchAppend(b *testing.B, s store.Store) {
	data := document(2 << 10)
	rev := put(b, s, "g", "a", "1")
	b.SetBytes(int64(len(data)))
	at := int64(0)
	for b.Loop() {
		a := nextAppend(b.Context(), b, s, "g", at, data)
		at = a.At + int64(len(data))
		_, err := s.Commit(b.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Appends: []store.Append{a}})
		require.NoError(b, err)
	}
}

func benchAppendMany(b *testing.B, s store.Store) {
	data := document(2 << 10)
	commits := make([]store.Commit, 10)
	for i := range commits {
		group := fmt.Sprint("target-", i)
		commits[i] = store.Commit{Group: group, Epoch: put(b, s, group, "a", "1").Epoch}
	}
	b.SetBytes(int64(len(data) * len(commits)))
	at := int64(0)
	for b.Loop() {
		var next int64
		for i := range commits {
			a := nextAppend(b.Context(), b, s, commits[i].Group, at, data)
			next = a.At + int64(len(data))
			commits[i].Appends = []store.Append{a}
		}
		at = next
		results, err := store.CommitMany(b.Context(), s, commits)
		require.NoError(b, err)
		for _, r := range results {
			require.NoError(b, r.Err)
		}
	}
}

func benchReadChunk(b *testing.B, s store.Store) {
	data := document(2 << 10)
	for at := int64(0); at < 64<<10; at += int64(len(data)) {
		require.NoError(b, appendTo(b, s, "c", at, data, 0))
	}
	b.SetBytes(64 << 10)
	for b.Loop() {
		_, _, err := s.ReadChunk(b.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
		require.NoError(b, err)
	}
}
