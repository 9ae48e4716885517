package estate_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestTargetID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id     estate.TargetID
		kind   estate.TargetKind
		number int
	}{
		{"pve-0", estate.PVE, 0},
		{"pbs-12", estate.PBS, 12},
		{"pve", estate.PVE, -1},
		{"", "", -1},
		{"pve-", estate.PVE, -1},
		{"pve--1", estate.PVE, -1},
		{"pve-+1", estate.PVE, -1},
		{"pve-01", estate.PVE, -1},
		{"pve-1-2", estate.PVE, -1},
		{"pve-x", estate.PVE, -1},
		{"pve-99999999999999999999", estate.PVE, -1},
	}
	for _, tt := range tests {
		require.Equal(t, tt.kind, tt.id.Kind(), tt.id)
		require.Equal(t, tt.number, tt.id.Number(), tt.id)
	}
	require.Equal(t, estate.TargetID("pbs-7"), estate.NewTargetID(estate.PBS, 7))
}

func TestUIDs(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"pve-0/node/pve1":               estate.NodeKey{Target: "pve-0", Node: "pve1"}.UID(),
		"pve-0/guest/100/0":             estate.GuestKey{Target: "pve-0", VMID: 100}.UID(),
		"pve-0/guest/100/2":             estate.GuestKey{Target: "pve-0", VMID: 100, Generation: 2}.UID(),
		"pve-1/guest/100/0":             estate.GuestKey{Target: "pve-1", VMID: 100}.UID(),
		"pve-0/node/pve1/storage/local": estate.StorageKey{Target: "pve-0", Node: "pve1", Name: "local"}.UID(),
		"pve-0/storage/ceph":            estate.StorageKey{Target: "pve-0", Name: "ceph"}.UID(),
		"pbs-0/datastore/main":          estate.DatastoreKey{Target: "pbs-0", Name: "main"}.UID(),
	} {
		require.Equal(t, want, got)
	}
}

func TestKeysOfWhatWasObserved(t *testing.T) {
	t.Parallel()
	g := estate.Guest{VMID: 100, Generation: 1, Node: "pve1", Name: "web"}
	moved := g
	moved.Node, moved.Name = "pve2", "www"
	require.Equal(t, estate.GuestKey{Target: "pve-0", VMID: 100, Generation: 1}, g.Key("pve-0"))
	require.Equal(t, g.Key("pve-0"), moved.Key("pve-0"), "migration and renaming keep the identity")

	s := estate.Storage{Name: "local", Node: "pve1"}
	require.Equal(t, estate.StorageKey{Target: "pve-0", Node: "pve1", Name: "local"}, s.Key("pve-0"))
}

// Names of nodes, storages and datastores have no slash in Proxmox.
func TestUIDsOfDifferentThingsDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := estate.NewTargetID(
			rapid.SampledFrom([]estate.TargetKind{estate.PVE, estate.PBS}).Draw(t, "kind"), rapid.IntRange(0, 9).Draw(t, "n"))
		name := rapid.StringMatching(`[a-z0-9.-]{1,4}`)
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		vmid, generation := rapid.IntRange(0, 99).Draw(t, "vmid"), rapid.IntRange(0, 3).Draw(t, "generation")
		uids := map[string]any{}
		keys := []any{
			estate.NodeKey{Target: id, Node: a},
			estate.NodeKey{Target: id, Node: b},
			estate.GuestKey{Target: id, VMID: vmid, Generation: generation},
			estate.StorageKey{Target: id, Name: a},
			estate.StorageKey{Target: id, Node: a, Name: b},
			estate.StorageKey{Target: id, Node: b, Name: a},
			estate.DatastoreKey{Target: id, Name: a},
		}
		for _, key := range keys {
			uid := key.(interface{ UID() string }).UID()
			if other, taken := uids[uid]; taken {
				require.Equal(t, other, key, "two things are %s", uid)
			}
			uids[uid] = key
		}
	})
}
