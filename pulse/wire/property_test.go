package wire

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// draw makes random observations. Names are few, so that readings often concern the same resources.
type draw struct{ *rapid.T }

func (d draw) word() string {
	return rapid.SampledFrom([]string{"", "a", "a-1", "b<&>", "\u2028 \xff \"\\\n", "nfs", "pve1"}).Draw(d.T, "word")
}

func (d draw) words() []string {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return draw{t}.word() }), 0, 2).Draw(d.T, "words")
}

func (d draw) chance() bool { return rapid.Bool().Draw(d.T, "chance") }

func (d draw) int() estate.Opt[int64] {
	n := rapid.SampledFrom([]int64{-1, 0, 1, 1000, 4 << 30, math.MaxInt64, math.MinInt64}).Draw(d.T, "int")
	if n == math.MinInt64 {
		return estate.Opt[int64]{}
	}
	return estate.Some(n)
}

// size is at least 0, for what is passed on as it is.
func (d draw) size() estate.Opt[int64] {
	n, ok := d.int().Get()
	if !ok {
		return estate.Opt[int64]{}
	}
	return estate.Some(max(n, 0))
}

func (d draw) float() estate.Opt[float64] {
	f := rapid.SampledFrom([]float64{-1, 0, 0.1, 0.5, 1.5, 1e-9, 4, 1e22, math.NaN(), math.Inf(1), -7}).Draw(d.T, "float")
	if f == -7 {
		return estate.Opt[float64]{}
	}
	return estate.Some(f)
}

func (d draw) at() time.Time {
	return testNow.Add(time.Duration(rapid.IntRange(-100, 100).Draw(d.T, "at")) * time.Second)
}

func (d draw) seen() estate.Seen {
	switch rapid.IntRange(0, 5).Draw(d.T, "seen") {
	case 0:
		return estate.Seen{}
	case 1, 2:
		return estate.Seen{At: d.at(), Advanced: d.at()}
	default:
		return estate.Seen{At: d.at()}
	}
}

func (d draw) node(name string) estate.Node {
	n := estate.Node{
		Name: name, Status: rapid.SampledFrom([]string{"online", "offline", "unknown", ""}).Draw(d.T, "status"),
		HAState: d.word(), Level: d.word(), Address: d.word(), CPUFraction: d.float(), CPUs: d.float(),
		MemUsedBytes: d.int(), MemTotalBytes: d.int(), DiskUsedBytes: d.int(), DiskTotalBytes: d.int(),
		UptimeSeconds: d.int(), Seen: d.seen(),
	}
	if d.chance() {
		n.Detail = &estate.NodeDetail{
			At: d.at(), LoadAverage: []float64{0.5, 1}, KernelVersion: d.word(), PVEVersion: d.word(), CPUModel: d.word(),
			CPUSockets: d.size(), CPUCores: d.size(), CPUMHz: d.word(), SwapUsedBytes: d.size(),
			SwapTotalBytes: d.size(), RootAvailBytes: d.size(), IOWaitFraction: estate.Some(0.25),
		}
	}
	return n
}

func (d draw) guest(vmid int) estate.Guest {
	g := estate.Guest{
		VMID: vmid, Generation: rapid.IntRange(0, 1).Draw(d.T, "generation"),
		Kind: rapid.SampledFrom([]estate.GuestKind{estate.VM, estate.Container}).Draw(d.T, "kind"), Name: d.word(),
		Node:     d.word(),
		Status:   rapid.SampledFrom([]string{"running", "stopped", "paused", "unknown", "io-error", ""}).Draw(d.T, "status"),
		Template: d.chance(), Lock: d.word(), Pool: d.word(), HAState: d.word(), Tags: d.words(),
		CPUFraction: d.float(), CPUs: d.float(), MemUsedBytes: d.int(), MemTotalBytes: d.int(), MemHostBytes: d.size(),
		MemSource: estate.MemoryHost, DiskUsedBytes: d.int(), DiskTotalBytes: d.int(), UptimeSeconds: d.int(),
		Rates: estate.Rates{NetIn: d.float(), NetOut: d.float(), DiskRead: d.float(), DiskWrite: d.float()},
		Seen:  d.seen(),
	}
	if d.chance() {
		g.Balloon = &estate.Balloon{
			At: d.at(), ActualBytes: d.size(), MaxBytes: d.size(), MinBytes: d.size(), TotalBytes: d.size(),
			FreeBytes: d.size(), GuestReported: d.at(),
		}
	}
	if d.chance() {
		g.Filesystems = &estate.Filesystems{At: d.at(), Reason: d.word()}
		for range rapid.IntRange(0, 2).Draw(d.T, "filesystems") {
			g.Filesystems.List = append(g.Filesystems.List, estate.Filesystem{
				Mountpoint: d.word(), Type: d.word(), Device: d.word(), UsedBytes: d.size(), TotalBytes: d.size(),
			})
		}
	}
	return g
}

func (d draw) storage(name, node string) estate.Storage {
	s := estate.Storage{
		Name: name, Node: node, Type: d.word(), Content: d.words(), Shared: d.chance(), Enabled: d.chance(),
		Active: d.chance(), UsedBytes: d.int(), TotalBytes: d.int(), Server: d.word(), Datastore: d.word(),
		Namespace: d.word(), Seen: d.seen(),
	}
	if node == "" && d.chance() {
		s.OnNodes = []estate.StorageOnNode{{Node: "a", Active: d.chance()}, {Node: "b", Active: d.chance()}}
	}
	return s
}

func (d draw) server() *estate.Server {
	s := &estate.Server{
		Version:     rapid.SampledFrom([]string{"", "3", "3.4", "3.4.1"}).Draw(d.T, "version"),
		CPUFraction: d.float(), MemUsedBytes: d.int(), MemTotalBytes: d.int(), DiskUsedBytes: d.int(),
		DiskTotalBytes: d.int(), UptimeSeconds: d.int(), KernelVersion: d.word(), CPUModel: d.word(), CPUs: d.size(),
		Seen: d.seen(),
	}
	for _, name := range []string{"main", "other"} {
		if !d.chance() {
			continue
		}
		s.Datastores = append(s.Datastores, estate.Datastore{
			Name: name, Comment: d.word(), Maintenance: d.word(), Error: d.word(), UsedBytes: d.int(), TotalBytes: d.int(),
			MountStatus:    rapid.SampledFrom([]string{"", "mounted", "notmounted"}).Draw(d.T, "mount"),
			AvailableBytes: d.int(), EstimatedFull: d.at(), NamespacesNote: d.word(), Seen: d.seen(),
			Namespaces: []estate.Namespace{{}, {Path: "prod"}, {Path: "prod/db/x", Comment: d.word()}},
		})
	}
	return s
}

func (d draw) poll() estate.Poll {
	p := estate.Poll{LastSuccess: d.at(), Unreachable: d.words(), Degraded: d.word()}
	switch rapid.IntRange(0, 4).Draw(d.T, "poll") {
	case 0:
		p.Reason, p.Error, p.FailedSince = estate.ReasonTimeout, "no answer in 10 s", d.at()
	case 1:
		p.LastSuccess = time.Time{}
	}
	return p
}

// observation makes a reading that may keep parts of the one before.
func (d draw) observation(id estate.TargetID, before *estate.Observation) *estate.Observation {
	o := &estate.Observation{Target: id, Poll: d.poll(), Cluster: estate.Cluster{Name: d.word()}}
	if before == nil {
		before = &estate.Observation{}
	}
	if id.Kind() == estate.PBS {
		if o.Server = before.Server; d.chance() {
			o.Server = d.server()
		}
		return o
	}
	if d.chance() {
		o.Cluster.Quorate = estate.Some(d.chance())
	}
	for _, name := range []string{"a", "b", "pve1"} {
		switch old := before.Node(name); {
		case old != nil && d.chance():
			o.Nodes = append(o.Nodes, *old)
		case d.chance():
			o.Nodes = append(o.Nodes, d.node(name))
		}
	}
	for vmid := 100; vmid < 105; vmid++ {
		switch old := before.Guest(vmid); {
		case old != nil && d.chance():
			g := *old
			if d.chance() {
				g.Seen = d.seen()
			}
			o.Guests = append(o.Guests, g)
		case d.chance():
			o.Guests = append(o.Guests, d.guest(vmid))
		}
	}
	for _, name := range []string{"local", "nfs"} {
		for _, node := range []string{"", "a", "b"} {
			if d.chance() {
				o.Storages = append(o.Storages, d.storage(name, node))
			}
		}
	}
	return o
}

// published is a snapshot with what its document must be, whenever somebody asks for it.
type published struct {
	snapshot    *Snapshot
	state, list []byte
}

// machine drives one encoder through updates, removals and time, beside the plain readings.
type machine struct {
	encoder  *Encoder
	readings map[estate.TargetID]reading
	now      time.Time
	history  []published
}

func (m *machine) update(t *rapid.T) {
	d := draw{t}
	id := rapid.SampledFrom([]estate.TargetID{"pve-0", "pve-1", "pve-10", "pbs-0"}).Draw(t, "target")
	r := m.readings[id]
	r.target = Target{
		ID: id, Slug: string(id), Host: "https://x:8007", Name: rapid.SampledFrom([]string{"same", "other"}).Draw(t, "name"),
		Horizon: estate.HorizonFor(10 * time.Second),
	}
	if d.chance() || r.obs == nil {
		r.obs = d.observation(id, r.obs)
	}
	m.readings[id] = r
	m.encoder.Update(r.target, r.obs, m.now)
}

func (m *machine) remove(t *rapid.T) {
	id := rapid.SampledFrom([]estate.TargetID{"pve-0", "pve-1", "pbs-0"}).Draw(t, "target")
	delete(m.readings, id)
	m.encoder.Remove(id)
}

func (m *machine) publish(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
	stats := Stats{Version: "1.2.3", StartTime: testNow, PollingCycles: int64(len(m.history)), LastPollDuration: time.Second / 3}
	var last *Snapshot
	if len(m.history) > 0 {
		last = m.history[len(m.history)-1].snapshot
	}
	s := m.encoder.Publish(m.now, stats)
	if s == last {
		stats.PollingCycles = s.stats.PollingCycles
	}
	n := naive{slices.Collect(maps.Values(m.readings)), m.now}
	p := published{s, n.state(t, s.At, stats), n.storageList(t, s.At)}
	require.Equal(t, string(p.state), string(s.assembleState()))
	if last != nil {
		require.Equal(t, s != last, s.Revision > last.Revision)
		require.GreaterOrEqual(t, s.StatusRevision, last.StatusRevision)
	}
	m.requireFresh(t, s, stats)
	m.history = append(m.history, p)
}

// requireFresh tells the same from an encoder that never saw an earlier reading.
func (m *machine) requireFresh(t *rapid.T, s *Snapshot, stats Stats) {
	fresh := NewEncoder()
	for _, r := range m.readings {
		fresh.Update(r.target, r.obs, m.now)
	}
	again := fresh.Publish(s.At, stats)
	require.Equal(t, string(again.State().Plain()), string(s.assembleState()))
}

func TestDocumentsEqualNaiveRenderingThroughAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{encoder: NewEncoder(), readings: map[estate.TargetID]reading{}, now: testNow}
		t.Repeat(map[string]func(*rapid.T){
			"update": m.update, "update again": m.update, "remove": m.remove, "publish": m.publish,
		})
		// What was published stays as it was, however late it is asked for.
		for _, p := range m.history {
			require.True(t, bytes.Equal(p.state, p.snapshot.State().Plain()))
			require.Equal(t, string(p.list), string(p.snapshot.StorageList().Plain()))
		}
	})
}
