package wire

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// benchTarget is one cluster or PBS of a simulated estate, with two readings that follow one another.
type benchTarget struct {
	target Target
	obs    [2]*estate.Observation
}

const benchInterval = 10 * time.Second

func benchTargets(guests int, changed float64) []benchTarget {
	clusters, nodes := 5, 3
	if guests > 2000 {
		clusters, nodes = 10, 5
	}
	rng := rand.New(rand.NewPCG(1, 2))
	list := make([]benchTarget, 0, clusters)
	for c := range clusters {
		t := Target{
			ID: estate.NewTargetID(estate.PVE, c), Name: fmt.Sprintf("cluster%d", c), Slug: fmt.Sprintf("cluster%d", c),
			Horizon: estate.HorizonFor(benchInterval),
		}
		first := benchObservation(rng, t.ID, nodes, guests/clusters)
		list = append(list, benchTarget{t, [2]*estate.Observation{first, benchNext(rng, first, changed)}})
	}
	return list
}

func benchObservation(rng *rand.Rand, id estate.TargetID, nodes, guests int) *estate.Observation {
	seen := estate.Seen{At: testNow, Advanced: testNow}
	o := &estate.Observation{Target: id, Poll: estate.Poll{LastSuccess: testNow}}
	for n := range nodes {
		name := fmt.Sprintf("pve%d", n+1)
		o.Nodes = append(o.Nodes, estate.Node{
			Name: name, Status: estate.NodeOnline, CPUFraction: estate.Some(rng.Float64()), CPUs: estate.Some(32.0),
			MemUsedBytes: estate.Some(rng.Int64N(1 << 37)), MemTotalBytes: estate.Some[int64](1 << 38),
			DiskUsedBytes: estate.Some(rng.Int64N(1 << 36)), DiskTotalBytes: estate.Some[int64](1 << 37),
			UptimeSeconds: estate.Some[int64](864153), Seen: seen,
		})
		for _, storage := range []string{"local", "local-lvm"} {
			o.Storages = append(o.Storages, estate.Storage{
				Name: storage, Node: name, Type: "dir", Content: []string{"images", "rootdir"}, Enabled: true, Active: true,
				UsedBytes: estate.Some(rng.Int64N(1 << 40)), TotalBytes: estate.Some[int64](1 << 41), Seen: seen,
			})
		}
	}
	for i := range guests {
		o.Guests = append(o.Guests, benchGuest(rng, i, nodes, seen))
	}
	return o
}

func benchGuest(rng *rand.Rand, i, nodes int, seen estate.Seen) estate.Guest {
	g := estate.Guest{
		VMID: 100 + i, Kind: estate.VM, Name: fmt.Sprintf("guest-%d.example", 100+i), Node: fmt.Sprintf("pve%d", i%nodes+1),
		Status: estate.GuestRunning, Tags: []string{"prod", "web"}, CPUs: estate.Some(4.0),
		MemTotalBytes: estate.Some[int64](1 << 33), MemSource: estate.MemoryInGuest,
		DiskTotalBytes: estate.Some[int64](1 << 36), UptimeSeconds: estate.Some[int64](100000), Seen: seen,
	}
	if i%3 == 0 {
		g.Kind, g.MemSource, g.DiskUsedBytes = estate.Container, estate.MemoryCgroup, estate.Some(rng.Int64N(1<<35))
	}
	move(rng, &g)
	return g
}

func move(rng *rand.Rand, g *estate.Guest) {
	g.CPUFraction = estate.Some(rng.Float64())
	g.MemUsedBytes = estate.Some(rng.Int64N(1 << 33))
	g.UptimeSeconds = estate.Some(g.UptimeSeconds.Or(0) + 10)
	g.Rates = estate.Rates{
		NetIn: estate.Some(rng.Float64() * 1e7), NetOut: estate.Some(rng.Float64() * 1e7),
		DiskRead: estate.Some(rng.Float64() * 1e7), DiskWrite: estate.Some(rng.Float64() * 1e7),
	}
}

// benchNext is the reading after o: every row is seen again, and a share of the guests has other numbers.
func benchNext(rng *rand.Rand, o *estate.Observation, changed float64) *estate.Observation {
	next := *o
	seen := estate.Seen{At: testNow.Add(benchInterval), Advanced: testNow.Add(benchInterval)}
	next.Poll.LastSuccess = seen.At
	next.Nodes = append([]estate.Node(nil), o.Nodes...)
	next.Guests = append([]estate.Guest(nil), o.Guests...)
	next.Storages = append([]estate.Storage(nil), o.Storages...)
	for i := range next.Nodes {
		next.Nodes[i].Seen = seen
	}
	for i := range next.Storages {
		next.Storages[i].Seen = seen
	}
	for i := range next.Guests {
		next.Guests[i].Seen = seen
		if rng.Float64() < changed {
			move(rng, &next.Guests[i])
		}
	}
	return &next
}

func sizes(b *testing.B, run func(b *testing.B, guests int)) {
	for _, guests := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("guests=%d", guests), func(b *testing.B) { run(b, guests) })
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, changed := range []float64{0, 0.01, 0.9} {
		b.Run(fmt.Sprintf("changed=%v", changed), func(b *testing.B) {
			sizes(b, func(b *testing.B, guests int) {
				targets := benchTargets(guests, changed)
				e := NewEncoder()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					for _, t := range targets {
						e.Update(t.target, t.obs[i%2], testNow.Add(benchInterval))
					}
				}
			})
		})
	}
}

func benchSnapshot(guests int) *Snapshot {
	e := NewEncoder()
	for _, t := range benchTargets(guests, 0) {
		e.Update(t.target, t.obs[0], testNow)
	}
	return e.Publish(testNow, Stats{})
}

// BenchmarkPublish has only numbers to publish.
func BenchmarkPublish(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		e := NewEncoder()
		for _, t := range benchTargets(guests, 0) {
			e.Update(t.target, t.obs[0], testNow)
		}
		e.Publish(testNow, Stats{})
		b.ReportAllocs()
		for b.Loop() {
			e.changed = true
			e.Publish(testNow, Stats{})
		}
	})
}

// BenchmarkOrder is what a change of status costs on top.
func BenchmarkOrder(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		b.ReportAllocs()
		for b.Loop() {
			newOrder(s.holdings)
		}
	})
}

func BenchmarkAssemble(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		b.ReportAllocs()
		for b.Loop() {
			b.SetBytes(int64(len(s.assembleState())))
		}
	})
}

func BenchmarkGzip(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		plain := s.State().Plain()
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			b.ReportMetric(float64(len(s.packer.gzip(plain))), "gzip-bytes")
		}
	})
}

func BenchmarkZstd(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		plain := s.State().Plain()
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			b.ReportMetric(float64(len(s.packer.zstd(plain))), "zstd-bytes")
		}
	})
}

func BenchmarkStorageList(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		b.ReportAllocs()
		for b.Loop() {
			s.assembleStorages(s.order.storages)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	sizes(b, func(b *testing.B, guests int) {
		s := benchSnapshot(guests)
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := s.Find("cluster3-pve9-150"); !ok {
				b.Fatal("not found")
			}
		}
	})
}
