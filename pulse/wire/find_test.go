package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func findSnapshot() *Snapshot {
	vm, container := runningVM(100), runningVM(200)
	container.Kind, container.Name, container.Node, container.Generation = estate.Container, "pihole", "pve2", 3
	other := cluster(runningVM(100))
	other.Guests[0].Name = "twin"
	dashed := &estate.Observation{
		Poll: goodPoll(), Nodes: []estate.Node{onlineNode("a"), onlineNode("a-100")},
		Storages: []estate.Storage{localStorage("b-c", "a"), localStorage("c", "a-b")},
	}
	return publish(
		reading{pveTarget(0, "clu"), cluster(vm, container)}, reading{pveTarget(1, "two"), other},
		reading{pveTarget(2, "dash"), dashed}, reading{pbsTarget(0, "pbs1"), capturedServer()},
		reading{pbsTarget(1, "new"), nil},
	)
}

func TestFind(t *testing.T) {
	t.Parallel()
	node := Resource{KindNode, "pve-0/node/pve1", "clu-pve1", "pve1", "pve-0"}
	vm := Resource{KindGuest, "pve-0/guest/100/0", "clu-pve1-100", "web01", "pve-0"}
	container := Resource{KindGuest, "pve-0/guest/200/3", "clu-pve2-200", "pihole", "pve-0"}
	shared := Resource{KindStorage, "pve-0/storage/nfs", "shared-nfs", "nfs", "pve-0"}
	server := Resource{KindServer, "pbs-0/server", "pbs-pbs1", "pbs1", "pbs-0"}
	tests := []struct {
		id   string
		want Resource
	}{
		{"clu-pve1", node},
		{"pve-0/node/pve1", node},
		{"clu-pve1-100", vm},
		{"pve-0/guest/100/0", vm},
		{"clu-pve2-100", vm}, // before it migrated
		{"clu-gone-node-100", vm},
		{"clu-pve2-200", container},
		{"clu-pve1-200", container},
		{"pve-0/guest/200/3", container},
		{"two-pve1-100", Resource{KindGuest, "pve-1/guest/100/0", "two-pve1-100", "twin", "pve-1"}},
		{"clu-pve1-local", Resource{KindStorage, "pve-0/node/pve1/storage/local", "clu-pve1-local", "local", "pve-0"}},
		{"shared-nfs", shared},
		{"shared-clu-nfs", shared},
		{"pve-0/storage/nfs", shared},
		{"shared-two-nfs", Resource{KindStorage, "pve-1/storage/nfs", "shared-two-nfs", "nfs", "pve-1"}},
		{"pbs-pbs1", server},
		{"pbs-0/server", server},
		{"pbs-new", Resource{KindServer, "pbs-1/server", "pbs-new", "new", "pbs-1"}},
		{"pbs-0/datastore/main", Resource{KindDatastore, "pbs-0/datastore/main", "", "main", "pbs-0"}},
		{"dash-a-100", Resource{KindNode, "pve-2/node/a-100", "dash-a-100", "a-100", "pve-2"}},
		{"dash-a-b-c", Resource{KindStorage, "pve-2/node/a/storage/b-c", "dash-a-b-c", "b-c", "pve-2"}},
		{"pve-2/node/a-b/storage/c", Resource{KindStorage, "pve-2/node/a-b/storage/c", "dash-a-b-c", "c", "pve-2"}},
	}
	s := findSnapshot()
	for _, tt := range tests {
		got, ok := s.Find(tt.id)
		require.True(t, ok, tt.id)
		require.Equal(t, tt.want, got, tt.id)
	}
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	s := findSnapshot()
	for _, id := range []string{
		"", "-", "/", "clu", "clu-", "clu--100", "clu-100", "clu-pve1-0100", "clu-pve1-+100", "clu-pve1-999", "clux-pve1-100",
		"pve-0", "pve-0/", "pve-0/guest/", "pve-0/guest/100", "pve-0/guest/100/1", "pve-0/guest/100/0/", "pve-0/100/0",
		"pve-0/node/", "pve-0/node/none", "pve-9/node/pve1", "pbs-0", "pbs-0/datastore/", "pbs-0/datastore/none",
		"shared-", "shared-none", "pbs1-pve1", "clu-pve1-99999999999999999999", "pbs-1/datastore/main",
	} {
		got, ok := s.Find(id)
		require.False(t, ok, "%s: %v", id, got)
		require.Zero(t, got, id)
	}
}

// Where node "a-100" and guest 100 on node "a" have the same id, the guest that is there is meant.
func TestFindPrefersTheGuestThatIsThere(t *testing.T) {
	t.Parallel()
	g := runningVM(100)
	g.Node = "a"
	o := cluster(g)
	o.Nodes = []estate.Node{onlineNode("a"), onlineNode("a-100")}
	got, ok := publish(reading{pveTarget(0, "clu"), o}).Find("clu-a-100")
	require.True(t, ok)
	require.Equal(t, KindGuest, got.Kind)
}

func TestEveryIDAndUIDOfADocumentIsFound(t *testing.T) {
	t.Parallel()
	s := findSnapshot()
	for _, key := range []string{"nodes", "vms", "containers", "storage", "pbs"} {
		for _, row := range rows(t, s.State(), key) {
			id, uid := row["id"].(string), row["uid"].(string)
			got, ok := s.Find(uid)
			require.True(t, ok, uid)
			require.Equal(t, id, got.ID)
			require.Equal(t, uid, got.UID)
			require.Equal(t, row["name"], got.Name)
			_, ok = s.Find(id)
			require.True(t, ok, id)
		}
	}
}

func FuzzFind(f *testing.F) {
	s := findSnapshot()
	for _, id := range []string{
		"clu-pve1-100", "pve-0/guest/100/0", "pve-0/node/pve1", "shared-two-nfs", "pbs-pbs1", "pbs-0/datastore/main",
		"clu-pve1-local", "--", "//", "clu-a--1", "dash-a-100", "pve-0/guest/-1/0",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if doc, ok := s.Storage(id); ok {
			require.NotEmpty(t, doc.Plain())
		}
		r, ok := s.Find(id)
		if !ok {
			require.Zero(t, r)
			return
		}
		again, ok := s.Find(r.UID)
		require.True(t, ok, r.UID)
		require.Equal(t, r, again)
		if strings.Contains(id, "/") {
			require.Equal(t, id, r.UID, "a uid is matched whole")
		}
	})
}
