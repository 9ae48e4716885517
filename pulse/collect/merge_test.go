package collect

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// onNodes is how the three nodes of the recorded cluster see a shared storage.
func onNodes(a, b, c bool) []estate.StorageOnNode {
	return []estate.StorageOnNode{
		{Node: "pve-a", Active: a}, {Node: "pve-b", Active: b}, {Node: "pve-c", Active: c},
	}
}

func TestMergeRecordedCluster(t *testing.T) {
	t.Parallel()
	at := start()
	obs := observe(t, nil, recordedResources(t, "cluster-ok-resources"), at)
	require.Len(t, obs.Nodes, 3)
	require.Equal(t, estate.Guest{
		VMID: 1102, Kind: estate.VM, Name: "db-primary", Node: "pve-b", Status: estate.GuestRunning,
		CPUFraction: estate.Some(1.0439962773472), CPUs: estate.Some(8.0),
		MemUsedBytes: estate.Some[int64](11705115088), MemTotalBytes: estate.Some[int64](17179869184),
		MemHostBytes: estate.Some[int64](14018709251), MemSource: estate.MemoryInGuest,
		DiskTotalBytes: estate.Some[int64](214748364800), UptimeSeconds: estate.Some[int64](500208),
		Base: obs.Guest(1102).Base,
		Seen: estate.Seen{At: at, Advanced: at},
	}, *obs.Guest(1102))
	require.Equal(t, int64(500208), obs.Guest(1102).Base.DiskRead.Uptime)

	stopped := obs.Guest(1104)
	require.Equal(t, estate.GuestStopped, stopped.Status)
	require.Equal(t, "migrate", stopped.Lock)
	require.Equal(t, estate.Some(0.0), stopped.CPUFraction)
	require.Equal(t, estate.Some[int64](0), stopped.MemUsedBytes)
	require.Equal(t, obs.Node("pve-b").Seen.Advanced, stopped.Seen.Advanced)

	container := obs.Guest(1200)
	require.Equal(t, estate.MemoryCgroup, container.MemSource)
	require.False(t, container.MemHostBytes.Known())
	require.Equal(t, estate.Some[int64](20971520), container.DiskUsedBytes)
	require.Equal(t, "ha-web", obs.Guest(1100).Name)
	require.Equal(t, []string{"ha"}, obs.Guest(1100).Tags)
	require.Equal(t, "started", obs.Guest(1100).HAState)

	names := make([]string, 0, len(obs.Storages))
	for _, s := range obs.Storages {
		names = append(names, s.Name+"@"+s.Node)
	}
	require.Equal(t, []string{
		"local@pve-a", "local@pve-b", "local@pve-c", "local-lvm@pve-a", "local-lvm@pve-b", "local-lvm@pve-c",
		"local-zfs@pve-a", "local-zfs@pve-b", "shared-backup@",
	}, names)
	shared := obs.Storages[8]
	require.Equal(t, estate.Some[int64](536870912000), shared.TotalBytes)
	require.Equal(t, onNodes(true, true, true), shared.OnNodes)
}

func TestMergeRecordedStandalone(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "standalone-resources"), start())
	require.Equal(t, "paused", obs.Guest(103).Status)
	require.Equal(t, "snapshot", obs.Guest(103).Lock)
	require.True(t, obs.Guest(104).Template)
	require.True(t, obs.Guest(202).Template)
	require.Equal(t, "VM 106", obs.Guest(106).Name)
	require.Equal(t, estate.MemoryHost, obs.Guest(105).MemSource, "equal to the host's view")
	require.Equal(t, estate.MemoryInGuest, obs.Guest(100).MemSource)
	require.False(t, obs.Guest(100).DiskUsedBytes.Known(), "PVE does not know a VM's disk use")
	for _, s := range obs.Storages {
		switch s.Name {
		case "missing-usb", "pbs-main", "nas-nfs":
			require.False(t, s.Active, s.Name)
			require.False(t, s.TotalBytes.Known(), s.Name)
			require.False(t, s.Seen.At.IsZero(), "that %s does not answer was just seen", s.Name)
		default:
			require.True(t, s.Active, s.Name)
		}
	}
}

func TestDisabledStoragesComeFromTheDefinitions(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "standalone-resources"), start())
	client := replayClient(t, replay{"/storage": recorded(t, "standalone-storage")})
	configs, _, err := client.Storages(t.Context())
	require.NoError(t, err)
	obs.Storages = applyDefinitions(obs.Storages, obs.Nodes, configs)
	requireSound(t, obs)
	disabled := 0
	for _, s := range obs.Storages {
		if !s.Enabled {
			disabled++
			require.False(t, s.Active)
		}
		if s.Name == "pbs-main" {
			require.NotEmpty(t, s.Server)
			require.NotEmpty(t, s.Datastore)
		}
	}
	require.Positive(t, disabled)
	next := observe(t, obs, recordedResources(t, "standalone-resources"), start().Add(10*time.Second))
	require.Len(t, next.Storages, len(obs.Storages), "kept between two readings of the definitions")
	require.Len(t, applyDefinitions(next.Storages, next.Nodes, nil), len(obs.Storages)-disabled)
}

func TestMergeMemberDown(t *testing.T) {
	t.Parallel()
	at := start()
	horizon := estate.HorizonFor(10 * time.Second)
	first := observe(t, nil, recordedResources(t, "cluster-ok-resources"), at)
	down := observe(t, first, recordedResources(t, "cluster-member-down-resources"), at.Add(time.Minute))
	require.Equal(t, estate.NodeOffline, down.Node("pve-c").Status)
	require.Equal(t, first.Node("pve-c").MemUsedBytes, down.Node("pve-c").MemUsedBytes)
	require.Equal(t, first.Node("pve-c").Seen, down.Node("pve-c").Seen)
	require.Equal(t, estate.Stale, horizon.Judge(down.Guest(1103).Seen, at.Add(time.Minute)))
	require.Equal(t, estate.Live, horizon.Judge(down.Guest(1102).Seen, at.Add(time.Minute)))
	shared := findStorage(down.Storages, "shared-backup", "")
	require.Equal(t, onNodes(true, true, false), shared.OnNodes)
	require.True(t, shared.Active)
	require.Equal(t, at.Add(time.Minute), shared.Seen.At)

	later := observe(t, down, recordedResources(t, "cluster-member-down-after-6min-resources"), at.Add(7*time.Minute))
	g := later.Guest(1103)
	require.Equal(t, estate.GuestUnknown, g.Status)
	require.Equal(t, "db-replica", g.Name)
	require.Equal(t, down.Guest(1103).MemTotalBytes, g.MemTotalBytes)
	require.Equal(t, first.Guest(1103).Seen, g.Seen)
	local := findStorage(later.Storages, "local", "pve-c")
	require.False(t, local.Active)
	require.True(t, local.TotalBytes.Known())
	require.Equal(t, first.Nodes[2].Seen.At, local.Seen.At)
}

func TestMergeGuestThatHAStartsElsewhereIsLiveThere(t *testing.T) {
	t.Parallel()
	at := start()
	first := observe(t, nil, recordedResources(t, "cluster-ok-resources"), at)
	down := observe(t, first, recordedResources(t, "cluster-member-down-resources"), at.Add(time.Minute))
	rows := recordedResources(t, "cluster-member-down-resources")
	for i := range rows.Guests {
		if rows.Guests[i].VMID == 1103 {
			rows.Guests[i].Node, rows.Guests[i].UptimeSeconds = "pve-b", proxmox.Some[int64](7)
		}
	}
	later := at.Add(2 * time.Minute)
	g := observe(t, down, rows, later).Guest(1103)
	require.Equal(t, "pve-b", g.Node)
	require.Equal(t, estate.GuestRunning, g.Status)
	require.Equal(t, estate.Seen{At: later, Advanced: later}, g.Seen)
}

func TestMergeFirstSightOfAnOfflineNodeIsNotLive(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "cluster-member-down-resources"), start())
	require.Equal(t, estate.GuestRunning, obs.Guest(1103).Status)
	require.Equal(t, estate.Unknown, estate.HorizonFor(0).Judge(obs.Guest(1103).Seen, start()))
}

func TestMergeStatusDaemonStopped(t *testing.T) {
	t.Parallel()
	at := start()
	first := observe(t, nil, recordedResources(t, "standalone-resources"), at)
	dead := observe(t, first, recordedResources(t, "standalone-pvestatd-stopped-resources"), at.Add(6*time.Minute))
	require.Equal(t, estate.NodeUnknown, dead.Nodes[0].Status)
	require.Equal(t, "web01", dead.Guest(100).Name)
	require.Equal(t, estate.GuestUnknown, dead.Guest(100).Status)
	require.Equal(t, first.Guest(100).Seen, dead.Guest(100).Seen)
	require.True(t, dead.Guest(104).Template)
	require.Len(t, dead.Storages, len(first.Storages))
}

func TestMergeLimited(t *testing.T) {
	t.Parallel()
	at := start()
	obs := observe(t, nil, recordedResources(t, "cluster-ok-resources-limited"), at)
	for _, n := range obs.Nodes {
		require.False(t, n.CPUFraction.Known())
		require.Equal(t, estate.Seen{At: at}, n.Seen)
	}
	require.Len(t, obs.Guests, 1)
}

func TestMergeNeverChangesWhatItMergesOver(t *testing.T) {
	t.Parallel()
	first := observe(t, nil, recordedResources(t, "cluster-ok-resources"), start())
	first.Reads = map[string]time.Time{noteMembers: start(), guestNote(noteDirect, 1100): start()}
	before, err := json.Marshal(first)
	require.NoError(t, err)
	for _, name := range []string{"cluster-member-down-resources", "standalone-resources", "cluster-member-down-after-6min-resources"} {
		observe(t, first, recordedResources(t, name), start().Add(time.Hour))
	}
	after, err := json.Marshal(first)
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
}

func TestMergeSharesWhatStayed(t *testing.T) {
	t.Parallel()
	rows := recordedResources(t, "cluster-ok-resources")
	first := observe(t, nil, rows, start())
	first.Guest(1100).Balloon = &estate.Balloon{At: start()}
	next := observe(t, first, rows, start().Add(10*time.Second))
	require.Same(t, first.Guest(1100).Balloon, next.Guest(1100).Balloon)
	require.Same(t, &first.Guest(1100).Tags[0], &next.Guest(1100).Tags[0])
	require.Equal(t, start(), next.Guest(1100).Seen.Advanced, "the same uptime is no new reading")
	require.Equal(t, start().Add(10*time.Second), next.Guest(1100).Seen.At)
}

func TestMergeKindChangeIsAnotherGuest(t *testing.T) {
	t.Parallel()
	rows := recordedResources(t, "cluster-ok-resources")
	first := observe(t, nil, rows, start())
	for i := range rows.Guests {
		if rows.Guests[i].VMID == 1100 {
			rows.Guests[i].Kind = proxmox.Container
		}
	}
	next := observe(t, first, rows, start().Add(10*time.Second))
	require.Equal(t, 1, next.Guest(1100).Generation)
	require.Equal(t, estate.Container, next.Guest(1100).Kind)
	require.False(t, next.Guest(1100).Rates.NetIn.Known())

	// The destruction that the task list tells of later is the same event.
	d := draftOf(next, "pve-0")
	d.destroyGuest(1100, start().Add(9*time.Second))
	require.Equal(t, 1, d.done().Guest(1100).Generation)
}

func TestMergeVanishedGuests(t *testing.T) {
	t.Parallel()
	rows := recordedResources(t, "cluster-ok-resources")
	first := observe(t, nil, rows, start())
	empty := proxmox.Resources{Nodes: rows.Nodes}
	out := merge{prev: first, rows: &empty, at: start().Add(10 * time.Second), collect: all()}.run()
	require.Empty(t, out.guests)
	require.Len(t, out.vanishedGuests, len(first.Guests))
	require.Positive(t, out.vanishedStorages)

	out = merge{
		prev: first, rows: &empty, at: start().Add(10 * time.Second), collect: all(), keepGuests: true, keepStorages: true,
	}.run()
	require.Equal(t, first.Guests, out.guests, "with the age they had")
	require.Equal(t, first.Storages, out.storages)

	out = merge{prev: first, rows: &proxmox.Resources{}, at: start().Add(10 * time.Second), collect: all()}.run()
	require.Equal(t, first.Guests, out.guests, "a table without nodes is not filled yet")
	require.Equal(t, first.Nodes, out.nodes)
}

func TestGenerationOutlivesTheGuest(t *testing.T) {
	t.Parallel()
	rows := recordedResources(t, "cluster-ok-resources")
	first := observe(t, nil, rows, start())
	d := draftOf(first, "pve-0")
	d.destroyGuest(1100, start().Add(time.Second))
	obs := d.done()
	require.Nil(t, obs.Guest(1100))
	require.NotNil(t, first.Guest(1100))

	echo := observe(t, obs, rows, start().Add(5*time.Second))
	require.Nil(t, echo.Guest(1100), "the table still shows the destroyed guest")
	again := observe(t, echo, rows, start().Add(24*time.Hour))
	require.Equal(t, 1, again.Guest(1100).Generation)

	// Out of sight and back, it is the same guest.
	empty := proxmox.Resources{Nodes: rows.Nodes}
	hidden := observe(t, again, empty, start().Add(25*time.Hour))
	require.Nil(t, hidden.Guest(1100))
	back := observe(t, hidden, rows, start().Add(26*time.Hour))
	require.Equal(t, 1, back.Guest(1100).Generation)
	require.Zero(t, back.Guest(1101).Generation)

	d = draftOf(back, "pve-0")
	d.destroyGuest(1100, start().Add(27*time.Hour))
	d.expectGuest(1100, start().Add(27*time.Hour))
	next := observe(t, d.done(), rows, start().Add(27*time.Hour+time.Second))
	require.Equal(t, 2, next.Guest(1100).Generation)
}
