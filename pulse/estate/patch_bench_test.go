package estate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// cluster returns what a pass over a cluster of VMs and containers finds, a tenth of them stopped.
func cluster(guests int) *estate.Observation {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	seen := estate.Seen{At: at, Advanced: at}
	o := &estate.Observation{
		Version: estate.ObservationVersion, Target: "pve-0",
		Poll:  estate.Poll{Started: at, Ended: at.Add(80 * time.Millisecond), LastSuccess: at.Add(80 * time.Millisecond), Via: "a", Requests: 3},
		Reads: map[string]time.Time{"budget": at, "turn/nodes": at, "turn/guests": at},
	}
	for i := range max(1, guests/60) {
		node := estate.Node{
			Name: fmt.Sprintf("node%02d", i), Status: estate.NodeOnline, CPUFraction: estate.Some(r.Float64()),
			CPUs: estate.Some(32.0), MemUsedBytes: estate.Some(r.Int64N(1 << 37)), MemTotalBytes: estate.Some(int64(1 << 37)),
			UptimeSeconds: estate.Some(r.Int64N(1e7)), Seen: seen,
		}
		o.Nodes = append(o.Nodes, node)
		o.Storages = append(o.Storages, estate.Storage{
			Name: "local", Node: node.Name, Type: "dir", Enabled: true, Active: true, Seen: seen,
			UsedBytes: estate.Some(r.Int64N(1 << 40)), TotalBytes: estate.Some(int64(1 << 40)),
		})
	}
	for i := range guests {
		g := estate.Guest{
			VMID: 100 + i, Kind: estate.VM, Name: fmt.Sprintf("guest-%05d", i), Node: o.Nodes[i%len(o.Nodes)].Name,
			Status: estate.GuestRunning, Tags: []string{"prod", "web"}, CPUs: estate.Some(4.0),
			MemTotalBytes: estate.Some(int64(1 << 33)), DiskTotalBytes: estate.Some(int64(1 << 35)),
			MemSource: estate.MemoryInGuest, Seen: seen, UptimeSeconds: estate.Some(1000 + r.Int64N(1e7)),
		}
		switch {
		case i%10 == 9:
			g.Status, g.UptimeSeconds = estate.GuestStopped, estate.Some(int64(0))
		case i%5 == 4:
			g.Kind, g.MemSource = estate.Container, estate.MemoryCgroup
			move(r, &g, 10)
		default:
			g.Balloon = &estate.Balloon{At: at, MaxBytes: g.MemTotalBytes}
			move(r, &g, 10)
		}
		o.Guests = append(o.Guests, g)
	}
	return o
}

// move brings a running guest forward by some seconds. Its traffic is a few hundred bytes to some megabytes per second;
// some guests leave their disks alone.
func move(r *rand.Rand, g *estate.Guest, seconds int64) {
	g.CPUFraction = estate.Some(r.Float64() / 10)
	g.MemUsedBytes = estate.Some(1<<32 + 4096*r.Int64N(1<<17))
	if g.Kind == estate.VM {
		g.MemHostBytes = estate.Some(1<<33 + 4096*r.Int64N(1<<15))
	} else {
		g.DiskUsedBytes = estate.Some(1<<32 + 4096*r.Int64N(1<<12))
	}
	uptime := g.UptimeSeconds.Or(0)
	flow := func(rate *estate.Opt[float64], counter *estate.Counter, idle bool) {
		perSecond := math.Exp(5 + 10*r.Float64())
		if idle {
			perSecond = 0
		}
		last := int64(perSecond * 10)
		*rate = estate.Some(float64(last) / 10)
		*counter = estate.Counter{Value: counter.Value + int64(perSecond*float64(seconds)), Uptime: uptime}
	}
	flow(&g.Rates.NetIn, &g.Base.NetIn, false)
	flow(&g.Rates.NetOut, &g.Base.NetOut, false)
	flow(&g.Rates.DiskRead, &g.Base.DiskRead, g.VMID%2 == 0)
	flow(&g.Rates.DiskWrite, &g.Base.DiskWrite, g.VMID%8 == 0)
}

// after returns what a pass some seconds later finds: times and uptimes moved, and the numbers of every n-th guest.
func after(t require.TestingT, base *estate.Observation, seconds int64, every int) *estate.Observation {
	o := viaJSON(t, base)
	r := rand.New(rand.NewPCG(3, 4))
	at := o.Poll.Started.Add(time.Duration(seconds)*time.Second + 1234567)
	o.Poll.Started, o.Poll.Ended, o.Poll.LastSuccess = at, at.Add(70*time.Millisecond), at.Add(70*time.Millisecond)
	seen := estate.Seen{At: at, Advanced: at}
	for i := range o.Nodes {
		node := &o.Nodes[i]
		node.Seen, node.CPUFraction = seen, estate.Some(r.Float64())
		node.UptimeSeconds = estate.Some(node.UptimeSeconds.Or(0) + seconds)
	}
	for i := range o.Storages {
		o.Storages[i].Seen = seen
	}
	for i := range o.Guests {
		g := &o.Guests[i]
		g.Seen = seen
		if g.Status == estate.GuestStopped {
			continue
		}
		before := g.UptimeSeconds.Or(0)
		g.UptimeSeconds = estate.Some(before + seconds - r.Int64N(2))
		if every > 0 && i%every == 0 {
			move(r, g, seconds)
			continue
		}
		for _, counter := range []*estate.Counter{&g.Base.NetIn, &g.Base.NetOut, &g.Base.DiskRead, &g.Base.DiskWrite} {
			counter.Uptime = g.UptimeSeconds.Or(0)
		}
	}
	return o
}

func TestPatchIsSmall(t *testing.T) {
	t.Parallel()
	const guests = 1000
	base := cluster(guests)
	for _, tt := range []struct {
		name    string
		every   int
		atMost  int // bytes per guest
		seconds int64
	}{
		{"all", 1, 40, 300}, {"a tenth", 10, 6, 300}, {"times", 0, 3, 300}, {"all, one pass later", 1, 40, 10},
	} {
		next := after(t, base, tt.seconds, tt.every)
		requireLeads(t, base, next)
		require.LessOrEqual(t, len(estate.EncodePatch(base, next)), tt.atMost*guests, tt.name)
	}
}

func BenchmarkPatch(b *testing.B) {
	const guests = 1000
	base := cluster(guests)
	for _, bb := range []struct {
		changed string
		every   int
	}{{"all", 1}, {"tenth", 10}, {"times", 0}} {
		next := after(b, base, 300, bb.every)
		patch := estate.EncodePatch(base, next)
		perGuest := func(b *testing.B) {
			b.Helper()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/guests, "ns/guest")
			b.ReportMetric(float64(len(patch))/guests, "bytes/guest")
		}
		b.Run("encode/changed="+bb.changed, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				estate.EncodePatch(base, next)
			}
			perGuest(b)
		})
		b.Run("apply/changed="+bb.changed, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := estate.ApplyPatch(base, patch); err != nil {
					b.Fatal(err)
				}
			}
			perGuest(b)
		})
	}
}
