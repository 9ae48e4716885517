package collect

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// chaos turns bytes into replies of every shape.
type chaos struct {
	data []byte
}

func (c *chaos) next() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

func pick[T any](c *chaos, list ...T) T { return list[int(c.next())%len(list)] }

func (c *chaos) number() proxmox.Opt[int64] {
	return pick(c, proxmox.Opt[int64]{}, proxmox.Some[int64](0), proxmox.Some(int64(c.next())*1000),
		proxmox.Some[int64](-5), proxmox.Some[int64](math.MaxInt64), proxmox.Some(int64(c.next())))
}

func (c *chaos) float() proxmox.Opt[float64] {
	return pick(c, proxmox.Opt[float64]{}, proxmox.Some(0.0), proxmox.Some(float64(c.next())/100),
		proxmox.Some(-0.5877), proxmox.Some(math.NaN()), proxmox.Some(math.Inf(1)))
}

func (c *chaos) table() proxmox.Resources {
	nodes := []string{"a", "b", "c", ""}
	var r proxmox.Resources
	for range c.next() % 5 {
		r.Nodes = append(r.Nodes, proxmox.ResourceNode{
			Name: pick(c, nodes...), Status: pick(c, "online", "offline", "unknown", ""),
			CPUFraction: c.float(), MaxCPU: c.float(), MemBytes: c.number(), MaxMemBytes: c.number(),
			DiskBytes: c.number(), MaxDiskBytes: c.number(), UptimeSeconds: c.number(),
		})
	}
	for range c.next() % 8 {
		r.Guests = append(r.Guests, proxmox.ResourceGuest{
			Kind: pick(c, proxmox.VM, proxmox.Container, "openvz"), VMID: int(c.next()%6) - 1, Node: pick(c, nodes...),
			Name: pick(c, "", "web", "db"), Status: pick(c, "running", "stopped", "unknown", "paused", ""),
			Lock: pick(c, "", "backup"), Tags: pick(c, "", "x;y", ";;", "x"),
			Template: pick(c, proxmox.Opt[bool]{}, proxmox.Some(true)), CPUFraction: c.float(), MaxCPU: c.float(),
			MemBytes: c.number(), MaxMemBytes: c.number(), MemHostBytes: c.number(), DiskBytes: c.number(),
			MaxDiskBytes: c.number(), NetInBytes: c.number(), NetOutBytes: c.number(), DiskReadBytes: c.number(),
			DiskWriteBytes: c.number(), UptimeSeconds: c.number(),
		})
	}
	for range c.next() % 6 {
		r.Storages = append(r.Storages, proxmox.ResourceStorage{
			Name: pick(c, "local", "nfs", ""), Node: pick(c, nodes...), Status: pick(c, "available", "unknown", ""),
			Plugin: pick(c, "dir", "nfs"), Content: pick(c, "", "iso,backup", ","), Shared: c.next()%2 == 0,
			DiskBytes: c.number(), MaxDiskBytes: c.number(),
		})
	}
	return r
}

func (c *chaos) status() proxmox.GuestStatus {
	return proxmox.GuestStatus{
		Name: pick(c, "", "web"), Status: pick(c, "running", "stopped", ""), QMPStatus: pick(c, "", "paused"),
		AgentEnabled: c.next()%2 == 0, CPUs: c.float(), UptimeSeconds: c.number(), MemBytes: c.number(),
		MaxMemBytes: c.number(), MemHostBytes: c.number(), DiskBytes: c.number(), MaxDiskBytes: c.number(),
		Balloon: proxmox.Balloon{ActualBytes: c.number(), TotalBytes: c.number(), FreeBytes: c.number()},
	}
}

// Whatever arrives in whatever order, nothing panics, lists are sorted and unique, numbers are numbers, the last
// observation is left alone and the new one survives being stored.
func FuzzMerge(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("3abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	f.Add([]byte{2, 0, 0, 1, 2, 3, 4, 5, 0, 1, 5, 2, 1, 0, 3, 4, 4, 4, 4, 9, 9, 9, 255, 254, 253, 3, 2, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &chaos{data: data}
		at := start()
		obs := &estate.Observation{Version: estate.ObservationVersion, Target: "pve-0"}
		for range 6 {
			at = at.Add(time.Duration(c.next()) * time.Second)
			before, err := json.Marshal(obs)
			require.NoError(t, err)
			next := c.turn(t, obs, at)
			after, err := json.Marshal(obs)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after))
			stored, err := json.Marshal(next)
			require.NoError(t, err)
			obs = &estate.Observation{}
			require.NoError(t, json.Unmarshal(stored, obs))
			requireSound(t, obs)
		}
	})
}

// turn makes one change to an observation.
func (c *chaos) turn(t *testing.T, obs *estate.Observation, at time.Time) *estate.Observation {
	t.Helper()
	d := draftOf(obs, "pve-0")
	switch c.next() % 5 {
	case 0:
		d.destroyGuest(int(c.next()%6), at)
	case 1:
		d.applySights([]sight{{
			want: want{vmid: int(c.next()%6) + 1, kind: pick(c, estate.VM, estate.Container), node: pick(c, "a", "b")},
			at:   at, status: c.status(),
		}})
	case 2:
		p := planner{obs: &d.obs, notes: &d.notes, now: at, interval: 10 * time.Second, collect: all()}
		p.run()
		d.obs.Storages = applyDefinitions(d.obs.Storages, d.obs.Nodes, []proxmox.StorageConfig{
			{Name: "nfs", Disabled: c.next()%2 == 0, Plugin: "nfs"}, {Name: "local", Disabled: c.next()%2 == 0},
		})
	default:
		rows := c.table()
		return observe(t, obs, rows, at)
	}
	return d.done()
}
