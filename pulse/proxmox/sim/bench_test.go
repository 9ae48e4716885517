package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// BenchmarkResourcesNewTick is what a cluster of 1,000 guests costs per tick:
// the list is encoded and compressed once.
func BenchmarkResourcesNewTick(b *testing.B) {
	benchmarkResources(b, 10*time.Second)
}

// BenchmarkResourcesSameTick is another request within a tick.
func BenchmarkResourcesSameTick(b *testing.B) {
	benchmarkResources(b, 0)
}

func benchmarkResources(b *testing.B, step time.Duration) {
	for _, packed := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%v", packed), func(b *testing.B) {
			now := start()
			estate, err := sim.New(sim.Config{Seed: 1, Guests: 1000, InMemory: true, Now: func() time.Time { return now }})
			if err != nil {
				b.Fatal(err)
			}
			cluster := estate.Clusters()[0]
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, cluster.URL()+"/api2/json/cluster/resources", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", token(cluster.Credentials[sim.Auditor]))
			if packed {
				r.Header.Set("Accept-Encoding", "gzip")
			}
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(step)
				roundTrip(b, estate, r)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, guests := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(guests), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sim.New(sim.Config{Clusters: 10, NodesPerCluster: 5, Guests: guests, BackupServers: 2, BackupsPerGuest: 8}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
