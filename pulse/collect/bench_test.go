package collect

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// largeTable is a cluster's table in the disorder the server sends it; in tick n nine of ten guests differ from n−1.
func largeTable(nodes, guests, tick int) proxmox.Resources {
	var r proxmox.Resources
	for i := range nodes {
		r.Nodes = append(r.Nodes, proxmox.ResourceNode{
			Name: fmt.Sprintf("node%02d", i), Status: "online", CPUFraction: proxmox.Some(0.2), MaxCPU: proxmox.Some(32.0),
			MemBytes: proxmox.Some[int64](1 << 34), MaxMemBytes: proxmox.Some[int64](1 << 37),
			DiskBytes: proxmox.Some[int64](1 << 33), MaxDiskBytes: proxmox.Some[int64](1 << 36),
			UptimeSeconds: proxmox.Some(int64(1e6 + tick*10)),
		})
	}
	for i := range guests {
		step := int64(tick)
		if i%10 == 0 {
			step = 0
		}
		r.Guests = append(r.Guests, proxmox.ResourceGuest{
			Kind: proxmox.VM, VMID: 100 + i, Node: fmt.Sprintf("node%02d", i%nodes), Name: fmt.Sprintf("guest-%05d", i),
			Status: "running", Tags: "prod;web", Template: proxmox.Some(false),
			CPUFraction: proxmox.Some(0.1 + float64(step)/1000), MaxCPU: proxmox.Some(4.0),
			MemBytes: proxmox.Some(1<<30 + step), MaxMemBytes: proxmox.Some[int64](1 << 32),
			MemHostBytes: proxmox.Some(1<<31 + step), MaxDiskBytes: proxmox.Some[int64](1 << 35),
			NetInBytes: proxmox.Some(1e9 + step*1000), NetOutBytes: proxmox.Some(1e9 + step*2000),
			DiskReadBytes: proxmox.Some(1e9 + step*3000), DiskWriteBytes: proxmox.Some(1e9 + step*4000),
			UptimeSeconds: proxmox.Some(1e5 + step*10),
		})
	}
	order := rand.New(rand.NewPCG(1, 2))
	order.Shuffle(guests, func(i, j int) { r.Guests[i], r.Guests[j] = r.Guests[j], r.Guests[i] })
	for i := range nodes {
		for _, s := range []string{"local", "local-lvm", "nfs", "pbs"} {
			r.Storages = append(r.Storages, proxmox.ResourceStorage{
				Name: s, Node: fmt.Sprintf("node%02d", i), Status: "available", Plugin: "dir", Content: "images,backup",
				Shared: s == "nfs" || s == "pbs", DiskBytes: proxmox.Some[int64](5), MaxDiskBytes: proxmox.Some[int64](9),
			})
		}
	}
	return r
}

func BenchmarkMerge(b *testing.B) {
	for _, guests := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("guests=%d", guests), func(b *testing.B) {
			tables := []proxmox.Resources{largeTable(10, guests, 1), largeTable(10, guests, 2)}
			first := observe(b, nil, tables[0], start())
			b.ReportAllocs()
			for b.Loop() {
				out := merge{prev: first, rows: &tables[1], at: start().Add(10 * time.Second), collect: config.CollectAll(estate.PVE)}.run()
				if len(out.guests) != guests {
					b.Fatal("guests were lost")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(guests), "ns/guest")
		})
	}
}

func BenchmarkFollowUnchanged(b *testing.B) {
	now := start()
	var list []proxmox.Task
	for i := range 125 { // five nodes keep 25 each
		list = append(list, testTask(fmt.Sprintf("node%02d", i%5), "vzdump", i, now.Add(-time.Duration(i)*time.Second), time.Second))
	}
	_, mark := follow(estate.TaskMark{}, list, allUp, now)
	b.ReportAllocs()
	for b.Loop() {
		if steps, _ := follow(mark, list, allUp, now); steps != nil {
			b.Fatal("nothing is new")
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	p := newBench(10, 10_000, 10*time.Second)
	p.cycle(triggers{})
	require.NotEmpty(b, p.read)
	b.ReportAllocs()
	for b.Loop() {
		n := p.notes
		n.shared = true
		one := planner{obs: &p.obs, notes: &n, now: p.now, interval: p.interval, collect: all()}
		one.run()
	}
}
