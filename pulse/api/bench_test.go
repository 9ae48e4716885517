package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// discard is a client that keeps nothing of an answer but its length.
type discard struct {
	header http.Header
	status int
	size   int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(data []byte) (int, error) {
	d.size += len(data)
	return len(data), nil
}

// benchLab watches an estate of 1,000 guests that answers in memory.
func benchLab(b *testing.B) *lab {
	b.Helper()
	e, err := sim.New(sim.Config{Seed: 1, Clusters: 5, NodesPerCluster: 3, Guests: 1000, BackupServers: 1, InMemory: true})
	require.NoError(b, err)
	require.NoError(b, e.Start(b.Context()))
	b.Cleanup(e.Stop)
	l := &lab{t: b, estate: e, store: store.NewMemory(), keys: config.NewKeyring(config.NewKey())}
	b.Cleanup(func() { require.NoError(b, l.store.Close()) })
	l.open(pulse.Options{DialContext: e.DialContext}, guarded)
	l.watch()
	return l
}

func BenchmarkGetState(b *testing.B) {
	l := benchLab(b)
	for _, bb := range []struct {
		name, coding string
		known        bool
	}{{name: "plain"}, {name: "gzip", coding: "gzip"}, {name: "zstd", coding: "zstd"}, {name: "not modified", coding: "gzip", known: true}} {
		b.Run(bb.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/state", nil)
			r.Host = "127.0.0.1:7655"
			r.Header.Set("X-API-Token", token)
			r.Header.Set("Accept-Encoding", bb.coding)
			first := &discard{header: http.Header{}}
			l.api.ServeHTTP(first, r)
			require.Equal(b, 200, first.status)
			want := 200
			if bb.known {
				r.Header.Set("If-None-Match", first.header.Get("ETag"))
				want = 304
			}
			b.ReportAllocs()
			for b.Loop() {
				w := &discard{header: http.Header{}}
				l.api.ServeHTTP(w, r)
				if w.status != want {
					b.Fatal(w.status)
				}
			}
			b.ReportMetric(float64(first.size), "B/doc")
		})
	}
}

// BenchmarkGetStateAfterChange is the first read of a new revision: assembly and compression are in it, the poll is not.
func BenchmarkGetStateAfterChange(b *testing.B) {
	l := benchLab(b)
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		b.Run(coding, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/state", nil)
			r.Header.Set("X-API-Token", token)
			r.Header.Set("Accept-Encoding", coding)
			var took time.Duration
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				name := "renamed" + strconv.Itoa(i%2)
				_, err := l.monitor.UpdateTarget(b.Context(), "pve-0", pulse.TargetPatch{Name: &name})
				require.NoError(b, err)
				w := &discard{header: http.Header{}}
				started := time.Now()
				l.api.ServeHTTP(w, r)
				took += time.Since(started)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/read")
		})
	}
}
