package wire

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestRowsOfAllTargetsAreInOneOrder(t *testing.T) {
	t.Parallel()
	guests := func(vmids ...int) []estate.Guest {
		var list []estate.Guest
		for _, vmid := range vmids {
			g := runningVM(vmid)
			if vmid%10 == 5 {
				g.Kind = estate.Container
			}
			list = append(list, g)
		}
		return list
	}
	s := publish(
		reading{pbsTarget(2, "late"), capturedServer()},
		reading{pbsTarget(1, "soon"), capturedServer()},
		reading{pveTarget(10, "b"), cluster(guests(100, 105, 300)...)},
		reading{pveTarget(9, "z"), cluster(guests(100, 200, 205)...)},
	)
	require.Equal(t, []string{"z-pve1", "b-pve1", "z-pve2", "b-pve2"}, ids(rows(t, s.State(), "nodes")))
	require.Equal(t, []string{"z-pve1-100", "b-pve1-100", "z-pve1-200", "b-pve1-300"}, ids(rows(t, s.State(), "vms")))
	require.Equal(t, []string{"b-pve1-105", "z-pve1-205"}, ids(rows(t, s.State(), "containers")))
	require.Equal(t, []string{"pbs-soon", "pbs-late"}, ids(rows(t, s.State(), "pbs")))
	require.Equal(t, []string{"pve-9", "pve-10", "pbs-1", "pbs-2"}, ids(rows(t, s.State(), "targets")))
	require.Equal(t, []string{
		"b-pve1-local", "b-pve2-local", "shared-b-nfs", "z-pve1-local", "z-pve2-local", "shared-nfs",
	}, ids(rows(t, s.State(), "storage")))
	require.Equal(t, rows(t, s.State(), "storage"), rows(t, s.StorageList(), "data"))
}

func TestInstanceIsTheNameAndIDsAreMadeOfTheSlug(t *testing.T) {
	t.Parallel()
	target := pveTarget(0, "clu")
	target.Name = "Renamed"
	s := publish(reading{target, cluster(runningVM(100))})
	for _, key := range []string{"nodes", "vms", "storage"} {
		row := rows(t, s.State(), key)[0]
		require.Equal(t, "Renamed", row["instance"])
		require.True(t, strings.HasPrefix(row["id"].(string), "clu-"), row["id"])
		require.True(t, strings.HasPrefix(row["uid"].(string), "pve-0/"), row["uid"])
	}
	require.Equal(t, object{"Renamed": true}, decode(t, s.State().Plain())["connectionHealth"])
}

func TestSharedStorageKeepsItsIDWithTheFirstTarget(t *testing.T) {
	t.Parallel()
	first, second := reading{pveTarget(1, "one"), cluster()}, reading{pveTarget(2, "two"), cluster()}
	s := publish(second, first)
	require.Equal(t, "pve-1/storage/nfs", storageUID(t, s, "shared-nfs"))
	require.Equal(t, "pve-1/storage/nfs", storageUID(t, s, "shared-one-nfs"))
	require.Equal(t, "pve-2/storage/nfs", storageUID(t, s, "shared-two-nfs"))

	e := NewEncoder()
	e.Update(second.target, second.obs, testNow)
	alone := e.Publish(testNow, Stats{})
	require.Equal(t, "pve-2/storage/nfs", storageUID(t, alone, "shared-nfs"))
	e.Update(first.target, first.obs, testNow)
	both := e.Publish(testNow, Stats{})
	require.Equal(t, "pve-1/storage/nfs", storageUID(t, both, "shared-nfs"))
	require.Equal(t, "pve-2/storage/nfs", storageUID(t, alone, "shared-nfs"), "a published snapshot does not change")
	e.Remove(first.target.ID)
	require.Equal(t, "pve-2/storage/nfs", storageUID(t, e.Publish(testNow, Stats{}), "shared-nfs"))
}

func storageUID(t *testing.T, s *Snapshot, id string) string {
	t.Helper()
	doc, ok := s.Storage(id)
	require.True(t, ok, id)
	return decode(t, doc.Plain())["data"].(object)["uid"].(string)
}

// "shared-two-nfs" may be the name of a storage as well as the other id of "nfs" on target two.
func TestSharedStorageIDsStayDistinct(t *testing.T) {
	t.Parallel()
	one, two := cluster(), cluster()
	one.Storages = []estate.Storage{sharedStorage("nfs"), sharedStorage("two-nfs")}
	two.Storages = []estate.Storage{sharedStorage("nfs")}
	s := publish(reading{pveTarget(0, "one"), one}, reading{pveTarget(1, "two"), two})
	require.Equal(t, []string{"shared-nfs", "shared-two-nfs", "shared-two-nfs-"}, ids(rows(t, s.State(), "storage")))
	require.Equal(t, "pve-0/storage/two-nfs", storageUID(t, s, "shared-two-nfs"))
	require.Equal(t, "pve-1/storage/nfs", storageUID(t, s, "shared-two-nfs-"))
}

func TestStorageByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	o := cluster()
	o.Storages[2].OnNodes = append(o.Storages[2].OnNodes, estate.StorageOnNode{Node: "pve2", Active: false})
	s := publish(reading{pveTarget(0, "clu"), o}, reading{pbsTarget(0, "pbs1"), capturedServer()})
	for _, id := range []string{"clu-pve1-local", "pve-0/node/pve1/storage/local"} {
		require.Equal(t, "pve-0/node/pve1/storage/local", storageUID(t, s, id))
	}
	for _, id := range []string{"shared-nfs", "shared-clu-nfs", "pve-0/storage/nfs"} {
		require.Equal(t, "pve-0/storage/nfs", storageUID(t, s, id))
	}
	for id, want := range map[string][]string{
		"clu-pve1": {"clu-pve1-local", "shared-nfs"}, "pve-0/node/pve1": {"clu-pve1-local", "shared-nfs"},
		"clu-pve2": {"clu-pve2-local"}, // the shared storage is not active there
	} {
		doc, ok := s.Storage(id)
		require.True(t, ok, id)
		require.Equal(t, want, ids(rows(t, doc, "data")), id)
	}
	for _, id := range []string{"", "clu", "clu-", "clu-pve3", "pbs-pbs1", "clu-pve1-none", "pve-0/node/", "pve-9/node/pve1"} {
		_, ok := s.Storage(id)
		require.False(t, ok, id)
	}
}

func TestStoragesOfATargetAndOfANodeByItsNameAlone(t *testing.T) {
	t.Parallel()
	other := cluster()
	other.Nodes = []estate.Node{onlineNode("pve2"), onlineNode("alder"), onlineNode("pve-2")}
	other.Storages = []estate.Storage{
		localStorage("local", "alder"), localStorage("local", "pve-2"), sharedStorage("nfs", "alder"),
	}
	s := publish(
		reading{pveTarget(0, "zoo"), cluster()}, reading{pveTarget(1, "two"), other},
		reading{pveTarget(2, "new"), nil}, reading{pbsTarget(0, "pbs1"), capturedServer()},
	)
	for id, want := range map[string][]string{
		"pve1":  {"zoo-pve1-local", "shared-nfs"}, // only the first has a node of this name
		"alder": {"two-alder-local", "shared-two-nfs"},
		"pve-1": {"two-alder-local", "two-pve-2-local", "shared-two-nfs"},
		"pve-2": {}, // the target, which was not read yet, and not the node that is called so
	} {
		doc, ok := s.Storage(id)
		require.True(t, ok, id)
		require.ElementsMatch(t, want, ids(rows(t, doc, "data")), id)
	}
	doc, ok := publish(reading{pveTarget(0, "zoo"), cluster()}).Storage("pve-0")
	require.True(t, ok)
	require.Equal(t, []string{"zoo-pve1-local", "zoo-pve2-local", "shared-nfs"}, ids(rows(t, doc, "data")))
	for _, id := range []string{"pve2", "pbs-0", "pve-3", "pve-", "pve-1/", "local"} {
		_, ok := s.Storage(id)
		require.False(t, ok, id)
	}
}

func TestNodeWithoutStorageHasAnEmptyList(t *testing.T) {
	t.Parallel()
	o := &estate.Observation{Poll: goodPoll(), Nodes: []estate.Node{onlineNode("pve1")}}
	doc, ok := publish(reading{pveTarget(0, "clu"), o}).Storage("clu-pve1")
	require.True(t, ok)
	require.JSONEq(t, `{"data":[],"timestamp":1795461099}`, string(doc.Plain()))
}

func TestEverythingHasAUID(t *testing.T) {
	t.Parallel()
	g := runningVM(100)
	g.Generation = 2
	s := publish(reading{pveTarget(0, "clu"), cluster(g)}, reading{pbsTarget(4, "pbs1"), capturedServer()})
	want := map[string]string{
		"nodes": "pve-0/node/pve1", "vms": "pve-0/guest/100/2", "storage": "pve-0/node/pve1/storage/local",
		"pbs": "pbs-4/server",
	}
	for key, uid := range want {
		require.Equal(t, uid, rows(t, s.State(), key)[0]["uid"])
	}
	datastores := rows(t, s.State(), "pbs")[0]["datastores"].([]any)
	require.Equal(t, "pbs-4/datastore/main", datastores[0].(object)["uid"])
}

func TestReadingsInsideAGuestCarryTheirAge(t *testing.T) {
	t.Parallel()
	at := testNow.Add(-time.Minute)
	g := runningVM(100)
	g.Balloon = &estate.Balloon{At: at, ActualBytes: some[int64](gib), FreeBytes: some[int64](0), GuestReported: at}
	g.Filesystems = &estate.Filesystems{At: at, List: []estate.Filesystem{
		{Mountpoint: "/", Type: "ext4", Device: "/dev/sda1", UsedBytes: some[int64](1), TotalBytes: some[int64](2)},
		{Mountpoint: "C:\\"},
	}}
	row := guestRow(t, g)
	text := at.Format(time.RFC3339Nano)
	require.Equal(t, object{"at": text, "actual": 1.0 * gib, "free": 0.0, "guestReported": text}, row["balloon"])
	require.Equal(t, []any{
		object{"mountpoint": "/", "type": "ext4", "device": "/dev/sda1", "used": 1.0, "total": 2.0},
		object{"mountpoint": "C:\\"},
	}, row["filesystems"])
	require.Equal(t, text, row["filesystemsAt"])

	g.Filesystems = &estate.Filesystems{At: at, Reason: "the guest agent is not running"}
	row = guestRow(t, g)
	require.Equal(t, []any{}, row["filesystems"])
	require.Equal(t, "the guest agent is not running", row["filesystemsReason"])
}
