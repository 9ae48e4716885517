package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The files in testdata named state-… and storage-… were recorded from the release that clients were written for,
// watching an invented cluster and backup server. The estates below are the same as an observation.

func capture(t *testing.T, name string) object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return decode(t, data)
}

func capturedNode(name string, uptime int64) estate.Node {
	return estate.Node{
		Name: name, Status: estate.NodeOnline, CPUFraction: some(0.1875), CPUs: some(8.0),
		MemUsedBytes: some[int64](12884901888), MemTotalBytes: some[int64](34359738368),
		DiskUsedBytes: some[int64](44023414784), DiskTotalBytes: some[int64](100931731456),
		UptimeSeconds: some(uptime), Seen: seenNow(),
		Detail: &estate.NodeDetail{
			At: testNow, LoadAverage: []float64{0.52, 0.48, 0.41}, KernelVersion: "Linux 6.8.12-10-pve #1 SMP",
			PVEVersion: "pve-manager/8.4.1/2a5fa54a8503f96d", CPUModel: "Intel(R) Xeon(R) E-2236 CPU @ 3.40GHz",
			CPUSockets: some[int64](1), CPUCores: some[int64](8), CPUMHz: "3400.000",
			RootAvailBytes: some[int64](52613349376),
		},
	}
}

// capturedGuest has the rates as they were recorded: in, out, read, write.
func capturedGuest(vmid int, kind estate.GuestKind, name, status string, numbers [6]int64, rates [4]float64) estate.Guest {
	return estate.Guest{
		VMID: vmid, Kind: kind, Name: name, Node: "pve1", Status: status, Seen: seenNow(),
		CPUs: some(float64(numbers[0])), MemUsedBytes: some(numbers[1]), MemTotalBytes: some(numbers[2]),
		DiskUsedBytes: some(numbers[3]), DiskTotalBytes: some(numbers[4]), UptimeSeconds: some(numbers[5]),
		Rates: estate.Rates{
			NetIn: some(rates[0]), NetOut: some(rates[1]), DiskRead: some(rates[2]), DiskWrite: some(rates[3]),
		},
	}
}

func capturedGuests() []estate.Guest {
	web := capturedGuest(100, estate.VM, "web01", "running",
		[6]int64{4, 4294967296, 6442450944, 0, 68719476736, 3753}, [4]float64{20475.7, 10237.9, 4095.1, 8190.2})
	web.CPUFraction, web.Tags = some(0.0421), []string{"prod", "web"}
	db := capturedGuest(101, estate.VM, "db01", "stopped",
		[6]int64{2, 0, 4294967296, 0, 34359738368, 0}, [4]float64{})
	win := capturedGuest(103, estate.VM, "win11", "running",
		[6]int64{2, 3865470566, 4294967296, 0, 85899345920, 999}, [4]float64{})
	win.CPUFraction, win.Lock = some(0.31), "backup"
	pihole := capturedGuest(200, estate.Container, "pihole", "running",
		[6]int64{1, 209715200, 1073741824, 1610612736, 8589934592, 7353}, [4]float64{100, 50, 10, 20})
	pihole.CPUFraction, pihole.CPUs, pihole.Tags = some(0.02), some(1.5), []string{"infra"}
	backup := capturedGuest(201, estate.Container, "backup-ct", "stopped",
		[6]int64{1, 0, 1073741824, 0, 4294967296, 0}, [4]float64{})
	return []estate.Guest{web, db, win, pihole, backup}
}

func capturedStorage(name, node, plugin, content string, used, total int64) estate.Storage {
	return estate.Storage{
		Name: name, Node: node, Type: plugin, Content: strings.Split(content, ","), Shared: node == "", Enabled: true,
		Active: true, UsedBytes: some(used), TotalBytes: some(total), Seen: seenNow(),
	}
}

func capturedCluster() *estate.Observation {
	old := capturedStorage("old-disk", "pve1", "dir", "images", 0, 0)
	old.Enabled, old.Active = false, false
	return &estate.Observation{
		Poll: goodPoll(), Nodes: []estate.Node{capturedNode("pve1", 864153)}, Guests: capturedGuests(),
		Storages: []estate.Storage{
			capturedStorage("local", "pve1", "dir", "vztmpl,iso,backup", 44023414784, 100931731456),
			capturedStorage("local-lvm", "pve1", "lvmthin", "rootdir,images", 751619276800, 858993459200),
			capturedStorage("nfs-backup", "", "nfs", "backup", 1073741824000, 4294967296000),
			old,
			capturedStorage("pbs-main", "", "pbs", "backup", 536870912000, 2147483648000),
		},
	}
}

func capturedServer() *estate.Observation {
	return &estate.Observation{Poll: goodPoll(), Server: &estate.Server{
		Version: "3.4.1", CPUFraction: some(0.07), MemUsedBytes: some[int64](5368709120),
		MemTotalBytes: some[int64](17179869184), UptimeSeconds: some[int64](100000), Seen: seenNow(),
		Datastores: []estate.Datastore{{
			Name: "main", UsedBytes: some[int64](536870912000), TotalBytes: some[int64](2147483648000), Seen: seenNow(),
			Namespaces: []estate.Namespace{{}, {Path: "prod"}, {Path: "prod/db"}},
		}},
	}}
}

// elsewhere are the parts of a recording that are not compared by value, and why.
var elsewhere = map[string]string{
	"lastSeen":         "time of the recording",
	"lastUpdate":       "time of the recording",
	"lastPollDuration": "time of the recording",
	"stats":            "of the process",
	"pbsBackups":       "not collected yet",
	"pveBackups":       "not collected yet",
	"activeAlerts":     "not raised yet",
	"enabled":          "always false in the release, though the storage is not",
	"active":           "always false in the release, though the storage is not",
}

// storageFree tells a storage's free space, which was recorded without the reserve that its file system keeps; the list
// of a cluster's resources does not tell that.
func storageFree(path, key string) bool {
	return key == "free" && (strings.HasPrefix(path, ".storage") || strings.HasPrefix(path, ".data"))
}

// requireCaptured demands that everything recorded is there with the same type, and but for elsewhere the same
// value. What is there besides is new.
func requireCaptured(t *testing.T, path string, want, got any, byValue bool) {
	t.Helper()
	switch want := want.(type) {
	case object:
		g, ok := got.(object)
		require.True(t, ok, path)
		for key, inner := range want {
			require.Contains(t, g, key, path)
			_, skipped := elsewhere[key]
			requireCaptured(t, path+"."+key, inner, g[key], byValue && !skipped && !storageFree(path, key))
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, path)
		if byValue {
			require.Len(t, g, len(want), path)
		}
		for i := range min(len(want), len(g)) {
			requireCaptured(t, fmt.Sprintf("%s[%d]", path, i), want[i], g[i], byValue)
		}
	case nil:
		if got != nil {
			require.IsType(t, []any{}, got, path) // the release's null for a list it never filled
		}
	default:
		require.IsType(t, want, got, path)
		if byValue {
			require.Equal(t, want, got, path)
		}
	}
}

func TestStateHasWhatTheRecordingsHave(t *testing.T) {
	t.Parallel()
	offline := capturedCluster()
	offline.Nodes = []estate.Node{
		capturedNode("pve1", 864663), {Name: "pve2", Status: estate.NodeOffline, Seen: estate.Seen{At: testNow}},
	}
	offline.Guests[0].UptimeSeconds, offline.Guests[3].UptimeSeconds = some[int64](4264), some[int64](7864)
	offline.Guests[0].Rates = estate.Rates{NetIn: some(20463.0), NetOut: some(10231.0), DiskRead: some(4092.0), DiskWrite: some(8185.0)}
	offline.Guests[3].Rates = estate.Rates{NetIn: some(99.0), NetOut: some(49.0), DiskRead: some(9.0), DiskWrite: some(19.0)}
	tests := []struct {
		file     string
		readings []reading
		adjust   func(want object)
	}{
		{file: "state-empty.json"},
		{file: "state-full.json", readings: []reading{
			{pveTarget(0, "pve1"), capturedCluster()}, {pbsTarget(0, "pbs1"), capturedServer()},
		}},
		{
			file: "state-cluster-offline-member.json", readings: []reading{{pveTarget(0, "clu"), offline}},
			adjust: func(want object) { // the release calls every node healthy
				want["nodes"].([]any)[1].(object)["connectionHealth"] = "offline"
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			want := capture(t, tt.file)
			if tt.adjust != nil {
				tt.adjust(want)
			}
			requireCaptured(t, "", want, decode(t, publish(tt.readings...).State().Plain()), true)
		})
	}
}

// An array that is not filled here still has the recorded shape of an array.
func TestTopLevelListsAreNeverNull(t *testing.T) {
	t.Parallel()
	state := decode(t, NewEncoder().Publish(testNow, Stats{}).State().Plain())
	for _, key := range []string{
		"nodes", "vms", "containers", "storage", "pbs", "pbsBackups", "metrics", "activeAlerts", "recentlyResolved", "targets",
	} {
		require.Equal(t, []any{}, state[key], key)
	}
	for _, key := range []string{"backupTasks", "storageBackups", "guestSnapshots"} {
		require.Equal(t, []any{}, state["pveBackups"].(object)[key], key)
	}
}

func TestStorageHasWhatTheRecordingsHave(t *testing.T) {
	t.Parallel()
	s := publish(reading{pveTarget(0, "pve1"), capturedCluster()})
	for file, id := range map[string]string{
		"storage-one.json": "pve1-pve1-local-lvm", "storage-shared.json": "shared-nfs-backup",
	} {
		doc, ok := s.Storage(id)
		require.True(t, ok, id)
		got := decode(t, doc.Plain())
		require.EqualValues(t, testNow.Unix(), got["timestamp"])
		got["timestamp"] = capture(t, file)["timestamp"]
		requireCaptured(t, "", capture(t, file), got, true)
	}
}

// topKeys lists the fields of an object in the order in which they are written.
func topKeys(t *testing.T, data json.RawMessage) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	_, err := d.Token()
	require.NoError(t, err)
	var list []string
	for d.More() {
		key, err := d.Token()
		require.NoError(t, err)
		list = append(list, key.(string))
		var skipped json.RawMessage
		require.NoError(t, d.Decode(&skipped))
	}
	return list
}

// People compare documents by eye: the known fields come in the known order, but for lastSeen, which ends every row.
func TestKnownFieldsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "state-full.json"))
	require.NoError(t, err)
	got := publish(reading{pveTarget(0, "pve1"), capturedCluster()}, reading{pbsTarget(0, "pbs1"), capturedServer()})
	requireOrder(t, topKeys(t, data), topKeys(t, got.State().Plain()))
	var want, have map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &want))
	require.NoError(t, json.Unmarshal(got.State().Plain(), &have))
	for _, key := range []string{"nodes", "vms", "containers", "storage", "pbs"} {
		var wantRows, haveRows []json.RawMessage
		require.NoError(t, json.Unmarshal(want[key], &wantRows))
		require.NoError(t, json.Unmarshal(have[key], &haveRows))
		requireOrder(t, topKeys(t, wantRows[0]), topKeys(t, haveRows[0]))
	}
}

func requireOrder(t *testing.T, want, got []string) {
	t.Helper()
	known := make(map[string]bool)
	for _, key := range want {
		known[key] = key != "lastSeen"
	}
	pick := func(list []string) []string {
		var kept []string
		for _, key := range list {
			if known[key] {
				kept = append(kept, key)
			}
		}
		return kept
	}
	require.Equal(t, pick(want), pick(got))
}

func TestStatsAndPerformance(t *testing.T) {
	t.Parallel()
	s := NewEncoder().Publish(testNow, Stats{
		StartTime: testNow.Add(-90 * time.Second), Version: "5.1.0", PollingCycles: 4, WebSocketClients: 2,
		LastPollDuration: 1500 * time.Millisecond,
	})
	state := decode(t, s.State().Plain())
	require.Equal(t, object{
		"startTime": testNow.Add(-90 * time.Second).Format(time.RFC3339Nano), "uptime": 90.0,
		"pollingCycles": 4.0, "webSocketClients": 2.0, "version": "5.1.0",
	}, state["stats"])
	require.Equal(t, object{
		"apiCallDuration": nil, "lastPollDuration": 1.5, "pollingStartTime": "0001-01-01T00:00:00Z",
		"totalApiCalls": 0.0, "failedApiCalls": 0.0,
	}, state["performance"])
	require.Equal(t, testNow.Format(time.RFC3339Nano), state["lastUpdate"])
}
