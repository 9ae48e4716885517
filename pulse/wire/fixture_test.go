package wire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

var testNow = time.Date(2026, 11, 23, 19, 11, 39, 115529039, time.UTC)

var testHorizon = estate.HorizonFor(10 * time.Second)

const gib = 1 << 30

func pveTarget(n int, name string) Target {
	return Target{
		ID: estate.NewTargetID(estate.PVE, n), Name: name, Slug: name,
		Host: "https://" + name + ":8006", Horizon: testHorizon,
	}
}

func pbsTarget(n int, name string) Target {
	return Target{
		ID: estate.NewTargetID(estate.PBS, n), Name: name, Slug: name,
		Host: "https://127.0.0.1:8007", Horizon: testHorizon,
	}
}

func seenNow() estate.Seen { return estate.Seen{At: testNow, Advanced: testNow} }

func agedSeen(age time.Duration) estate.Seen {
	return estate.Seen{At: testNow.Add(-age), Advanced: testNow.Add(-age)}
}

func goodPoll() estate.Poll { return estate.Poll{LastSuccess: testNow} }

func some[T any](v T) estate.Opt[T] { return estate.Some(v) }

// runningVM returns a VM of which everything is known.
func runningVM(vmid int) estate.Guest {
	return estate.Guest{
		VMID: vmid, Kind: estate.VM, Name: "web01", Node: "pve1", Status: estate.GuestRunning,
		CPUFraction: some(0.5), CPUs: some(4.0), MemUsedBytes: some[int64](gib), MemTotalBytes: some[int64](4 * gib),
		MemSource: estate.MemoryInGuest, DiskUsedBytes: some[int64](gib), DiskTotalBytes: some[int64](32 * gib),
		UptimeSeconds: some[int64](3600),
		Rates:         estate.Rates{NetIn: some(10.9), NetOut: some(0.0), DiskRead: some(1.0), DiskWrite: some(2.0)},
		Seen:          seenNow(),
	}
}

func onlineNode(name string) estate.Node {
	return estate.Node{
		Name: name, Status: estate.NodeOnline, CPUFraction: some(0.1), CPUs: some(8.0),
		MemUsedBytes: some[int64](gib), MemTotalBytes: some[int64](4 * gib), DiskUsedBytes: some[int64](gib),
		DiskTotalBytes: some[int64](8 * gib), UptimeSeconds: some[int64](864153), Seen: seenNow(),
		Detail: &estate.NodeDetail{At: testNow, CPUSockets: some[int64](1), CPUCores: some[int64](8)},
	}
}

func localStorage(name, node string) estate.Storage {
	return estate.Storage{
		Name: name, Node: node, Type: "dir", Content: []string{"images"}, Enabled: true, Active: true,
		UsedBytes: some[int64](gib), TotalBytes: some[int64](4 * gib), Seen: seenNow(),
	}
}

func sharedStorage(name string, active ...string) estate.Storage {
	s := localStorage(name, "")
	s.Type, s.Shared = "nfs", true
	for _, node := range active {
		s.OnNodes = append(s.OnNodes, estate.StorageOnNode{Node: node, Active: true})
	}
	return s
}

func cluster(guests ...estate.Guest) *estate.Observation {
	return &estate.Observation{
		Poll: goodPoll(), Nodes: []estate.Node{onlineNode("pve1"), onlineNode("pve2")}, Guests: guests,
		Storages: []estate.Storage{
			localStorage("local", "pve1"), localStorage("local", "pve2"), sharedStorage("nfs", "pve1"),
		},
	}
}

// object is a decoded JSON object.
type object = map[string]any

func decode(t require.TestingT, data []byte) object {
	var v object
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

// rows returns the objects of a list in a document.
func rows(t *testing.T, doc *Document, key string) []object {
	t.Helper()
	list, ok := decode(t, doc.Plain())[key].([]any)
	require.True(t, ok, "no list %q", key)
	objects := make([]object, len(list))
	for i, v := range list {
		objects[i] = v.(object)
	}
	return objects
}

// publish returns the state of the targets as of testNow.
func publish(readings ...reading) *Snapshot {
	e := NewEncoder()
	for _, r := range readings {
		e.Update(r.target, r.obs, testNow)
	}
	return e.Publish(testNow, Stats{StartTime: testNow.Add(-time.Minute), Version: "5.0.0"})
}

func ids(list []object) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v["id"].(string)
	}
	return out
}
