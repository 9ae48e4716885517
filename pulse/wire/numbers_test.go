package wire

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestUnknownGuestNumbers(t *testing.T) {
	t.Parallel()
	none := estate.Guest{VMID: 100, Kind: estate.VM, Node: "pve1", Status: "running", Seen: seenNow()}
	with := func(change func(g *estate.Guest)) estate.Guest {
		g := runningVM(100)
		change(&g)
		return g
	}
	all := []any{"cpu", "cpus", "memory", "disk", "networkIn", "networkOut", "diskRead", "diskWrite", "uptime"}
	tests := []struct {
		name  string
		guest estate.Guest
		want  []any
	}{
		{"everything known", runningVM(100), nil},
		{"nothing known", none, all},
		{"of a stopped guest no use is known", with(func(g *estate.Guest) {
			g.Status, g.CPUFraction, g.MemUsedBytes = "stopped", estate.Opt[float64]{}, estate.Opt[int64]{}
			g.UptimeSeconds, g.Rates = estate.Opt[int64]{}, estate.Rates{}
		}), nil},
		{"CPU of a paused guest", with(func(g *estate.Guest) {
			g.Status, g.CPUFraction = "paused", estate.Opt[float64]{}
		}), nil},
		{"CPU of unknown status", with(func(g *estate.Guest) {
			g.Status, g.CPUFraction = "unknown", estate.Opt[float64]{}
		}), []any{"cpu"}},
		{"used disk of a VM without an agent", with(func(g *estate.Guest) { g.DiskUsedBytes = estate.Opt[int64]{} }), []any{"disk"}},
		{"not a number", with(func(g *estate.Guest) { g.CPUFraction = some(math.NaN()) }), []any{"cpu"}},
		{"infinite", with(func(g *estate.Guest) { g.Rates.NetIn = some(math.Inf(1)) }), []any{"networkIn"}},
		{"negative memory", with(func(g *estate.Guest) { g.MemUsedBytes = some[int64](-gib) }), []any{"memory"}},
		{"negative rate", with(func(g *estate.Guest) { g.Rates.DiskWrite = some(-5.0) }), []any{"diskWrite"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			row := guestRow(t, tt.guest)
			if tt.want == nil {
				require.NotContains(t, row, "unknown")
				return
			}
			require.Equal(t, tt.want, row["unknown"])
			for _, name := range tt.want {
				requireStandIn(t, row, name.(string))
			}
		})
	}
}

// requireStandIn tells that a field has the older shape's word for "no number".
func requireStandIn(t *testing.T, row object, name string) {
	t.Helper()
	switch name {
	case "memory", "disk":
		require.EqualValues(t, 0, row[name].(object)["used"], name)
		require.EqualValues(t, 0, row[name].(object)["usage"], name)
	case "networkIn", "networkOut", "diskRead", "diskWrite":
		require.EqualValues(t, -1, row[name], name)
	default:
		require.EqualValues(t, 0, row[name], name)
	}
}

func TestGuestUse(t *testing.T) {
	t.Parallel()
	row := guestRow(t, runningVM(100))
	require.EqualValues(t, 0.5, row["cpu"])
	require.EqualValues(t, 10, row["networkIn"], "truncated to whole bytes")
	require.EqualValues(t, 0, row["networkOut"], "a known rate of nothing")
	require.Equal(t, object{"total": 4.0 * gib, "used": 1.0 * gib, "free": 3.0 * gib, "usage": 25.0}, row["memory"])

	paused := runningVM(100)
	paused.Status = "paused"
	row = guestRow(t, paused)
	require.EqualValues(t, 0, row["cpu"])
	require.EqualValues(t, gib, row["memory"].(object)["used"], "a paused guest keeps its memory")

	stopped := runningVM(100)
	stopped.Status = "stopped"
	row = guestRow(t, stopped)
	for _, key := range []string{"cpu", "networkIn", "networkOut", "diskRead", "diskWrite", "uptime"} {
		require.EqualValues(t, 0, row[key], key)
	}
	require.EqualValues(t, 0, row["memory"].(object)["used"])
	require.NotContains(t, row, "memorySource")
}

func TestSpaceIsBounded(t *testing.T) {
	t.Parallel()
	unknown := estate.Opt[int64]{}
	tests := []struct {
		name        string
		total, used estate.Opt[int64]
		want        space
		usage       float64
		known       bool
	}{
		{"half", some[int64](10), some[int64](5), space{10, 5, 5}, 50, true},
		{"the host's view exceeds the guest", some[int64](10), some[int64](12), space{10, 12, 0}, 100, true},
		{"nothing of nothing", some[int64](0), some[int64](0), space{}, 0, true},
		{"something of nothing", some[int64](0), some[int64](5), space{0, 5, 0}, 0, true},
		{"negative use", some[int64](10), some[int64](-1), space{10, 0, 10}, 0, false},
		{"negative total", some[int64](-10), some[int64](1), space{0, 1, 0}, 0, false},
		{"unknown use", some[int64](10), unknown, space{10, 0, 10}, 0, false},
		{"unknown total", unknown, some[int64](5), space{0, 5, 0}, 0, false},
		{"largest", some[int64](math.MaxInt64), some[int64](math.MaxInt64), space{math.MaxInt64, math.MaxInt64, 0}, 100, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, known := newSpace(tt.total, tt.used)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.known, known)
			require.InDelta(t, tt.usage, got.usagePercent(), 0)
		})
	}
	require.EqualValues(t, 3, space{10, 5, 5}.limited(some[int64](3)).free)
	require.EqualValues(t, 5, space{10, 5, 5}.limited(some[int64](7)).free)
	require.EqualValues(t, 5, space{10, 5, 5}.limited(unknown).free)
}

func TestCPUs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cpus  float64
		whole int64
		limit any
	}{{4, 4, nil}, {1.5, 1, 1.5}, {0.5, 1, 0.5}, {0, 0, nil}, {2.999, 2, 2.999}}
	for _, tt := range tests {
		g := runningVM(100)
		g.CPUs = some(tt.cpus)
		row := guestRow(t, g)
		require.EqualValues(t, tt.whole, row["cpus"])
		require.Equal(t, tt.limit, row["cpuLimit"])
	}
	require.EqualValues(t, math.MaxInt64, truncate(1e300))
}

func TestSourcesOfGuestNumbers(t *testing.T) {
	t.Parallel()
	vm := runningVM(100)
	vm.MemHostBytes = some[int64](5 * gib)
	row := guestRow(t, vm)
	require.Equal(t, "guest-with-cache", row["memorySource"])
	require.Equal(t, "agent", row["diskSource"])
	require.EqualValues(t, 5*gib, row["memoryHost"])

	vm.DiskUsedBytes, vm.MemHostBytes = estate.Opt[int64]{}, estate.Opt[int64]{}
	row = guestRow(t, vm)
	require.NotContains(t, row, "diskSource")
	require.NotContains(t, row, "memoryHost")

	container := runningVM(100)
	container.Kind, container.MemSource = estate.Container, estate.MemoryCgroup
	row = guestRow(t, container)
	require.Equal(t, "rootfs", row["diskSource"])
	require.Equal(t, "cgroup", row["memorySource"])
}

func TestUnknownNodeAndStorageNumbers(t *testing.T) {
	t.Parallel()
	o := &estate.Observation{
		Poll:  goodPoll(),
		Nodes: []estate.Node{{Name: "pve1", Status: "online", Seen: seenNow()}},
		Storages: []estate.Storage{
			{Name: "local", Node: "pve1", Active: true, TotalBytes: some[int64](10), Seen: seenNow()},
		},
	}
	state := publish(reading{pveTarget(0, "clu"), o}).State()
	node := rows(t, state, "nodes")[0]
	require.Equal(t, []any{"cpu", "memory", "disk", "uptime", "cpuInfo"}, node["unknown"])
	require.Equal(t, []any{}, node["loadAverage"])
	require.NotContains(t, node, "swap")
	require.NotContains(t, node, "detailAt")
	storage := rows(t, state, "storage")[0]
	require.Equal(t, []any{"used"}, storage["unknown"])
	require.EqualValues(t, 10, storage["total"])

	server := &estate.Observation{Poll: goodPoll(), Server: &estate.Server{
		Datastores: []estate.Datastore{{Name: "main", Seen: seenNow()}}, Seen: seenNow(),
	}}
	row := rows(t, publish(reading{pbsTarget(0, "pbs1"), server}).State(), "pbs")[0]
	require.Equal(t, []any{"cpu", "memory", "uptime"}, row["unknown"])
	require.Equal(t, []any{"total", "used"}, row["datastores"].([]any)[0].(object)["unknown"])
}
