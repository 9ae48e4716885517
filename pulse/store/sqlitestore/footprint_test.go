//go:build linux

package sqlitestore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
)

// writtenBytes is what this process gave to write calls so far.
func writtenBytes(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/io")
	require.NoError(b, err)
	var written int64
	for line := range bytes.Lines(status) {
		if n, _ := fmt.Sscanf(string(line), "wchar: %d", &written); n == 1 {
			return written
		}
	}
	require.FailNow(b, "the kernel tells no wchar")
	return 0
}

// BenchmarkDayOfWrites writes what 200 guests on 3 targets need in a day: every 5 minutes an observation of 400 bytes and
// 300 bytes of samples per guest, for all targets in one transaction, with a chunk per target and day, and 100 durable
// commits of alerts. It reports what went to disk, written twice as it is (journal, then file).
func BenchmarkDayOfWrites(b *testing.B) {
	const targets, guests, cycles, alerts = 3, 67, 288, 100
	s := open(b, filepath.Join(b.TempDir(), "pulse.db"), sqlitestore.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	epochs := make([]uint64, targets)
	b.ReportAllocs()
	start, days := writtenBytes(b), 0
	for b.Loop() {
		for cycle := range cycles {
			commits := make([]store.Commit, targets)
			for i := range commits {
				var doc bytes.Buffer
				for g := range guests {
					fmt.Fprintf(&doc, `{"vmid":%d,"name":"guest-%d","status":"running","uptime":%d,"cpu":%.10f,"mem":%d,"disk":%d,"netin":%d,"netout":%d}`,
						g, g, cycle*300, random.Float64(), random.Uint64()>>30, random.Uint64()>>30, random.Uint64()>>24, random.Uint64()>>24)
				}
				samples := make([]byte, 300*guests)
				for j := range samples {
					samples[j] = byte(random.Uint32())
				}
				commits[i] = store.Commit{
					Group: fmt.Sprint("target-", i), Epoch: epochs[i],
					Ops:     []store.Op{{Key: "observation", Any: true, Value: doc.Bytes()}},
					Appends: []store.Append{{Chunk: fmt.Sprint("day-", days), At: int64(cycle * len(samples)), Data: samples}},
				}
			}
			results, err := s.CommitMany(b.Context(), commits)
			require.NoError(b, err)
			for i, r := range results {
				require.NoError(b, r.Err)
				epochs[i] = r.Rev.Epoch
			}
			if cycle%(cycles/alerts) == 0 {
				_, err := s.Commit(b.Context(), store.Commit{
					Group: "target-0", Epoch: epochs[0], Durable: true,
					Ops: []store.Op{{Key: "alerts", Any: true, Value: make([]byte, 20_000)}, {Key: "outbox", Any: true, Value: make([]byte, 500)}},
				})
				require.NoError(b, err)
			}
		}
		days++
	}
	b.ReportMetric(float64(writtenBytes(b)-start)/float64(days)/1e6, "MB/day")
	b.ReportMetric(float64(targets*guests*cycles*300)/1e6, "history-MB/day")
}
