package collect

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

func TestOvertakes(t *testing.T) {
	t.Parallel()
	running := estate.Guest{Node: "a", Status: estate.GuestRunning, UptimeSeconds: estate.Some[int64](100)}
	stopped := estate.Guest{Node: "a", Status: estate.GuestStopped, UptimeSeconds: estate.Some[int64](0)}
	row := func(node, status string, uptime int64) proxmox.ResourceGuest {
		return proxmox.ResourceGuest{Node: node, Status: status, UptimeSeconds: proxmox.Some(uptime)}
	}
	for name, tt := range map[string]struct {
		last estate.Guest
		row  proxmox.ResourceGuest
		age  time.Duration
		want bool
	}{
		"the same run, later":           {running, row("a", "running", 104), 5 * time.Second, true},
		"the same run, before":          {running, row("a", "running", 92), 5 * time.Second, false},
		"a run that ended before":       {running, row("a", "running", 90000), 5 * time.Second, false},
		"stopped before it was started": {running, row("a", "stopped", 0), 5 * time.Second, false},
		"still running in the table":    {stopped, row("a", "running", 90000), 5 * time.Second, false},
		"stopped too":                   {stopped, row("a", "stopped", 0), 5 * time.Second, true},
		"started since":                 {stopped, row("a", "running", 3), 5 * time.Second, true},
		"no numbers yet":                {running, proxmox.ResourceGuest{Node: "a", Status: "unknown"}, 5 * time.Second, false},
		"another node, at once":         {running, row("b", "running", 104), time.Second, false},
		"another node, later":           {running, row("b", "running", 104), 6 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, overtakes(&tt.row, &tt.last, tt.age))
		})
	}
}

func TestDirectReadingHoldsFifteenSeconds(t *testing.T) {
	t.Parallel()
	rows := recordedResources(t, "cluster-ok-resources")
	obs := observe(t, nil, rows, start())
	d := draftOf(obs, "pve-0")
	d.applySights([]sight{{
		want: want{vmid: 1100, kind: estate.VM, node: "pve-a"}, at: start().Add(time.Second),
		status: proxmox.GuestStatus{Name: "ha-web", Status: estate.GuestStopped},
	}})
	obs = d.done()
	obs = observe(t, obs, rows, start().Add(10*time.Second))
	require.Equal(t, estate.GuestStopped, obs.Guest(1100).Status)
	require.Equal(t, start().Add(time.Second), obs.Guest(1100).Seen.At)
	obs = observe(t, obs, rows, start().Add(17*time.Second))
	require.Equal(t, estate.GuestRunning, obs.Guest(1100).Status)
	require.Empty(t, obs.Reads)
}

func TestApplyStatusRecorded(t *testing.T) {
	t.Parallel()
	client := replayClient(t, replay{
		"/nodes/pve1/qemu/100/status/current": recorded(t, "standalone-status-100"),
		"/nodes/pve1/qemu/105/status/current": recorded(t, "standalone-status-105"),
	})
	obs := observe(t, nil, recordedResources(t, "standalone-resources"), start())
	for vmid, want := range map[int]estate.MemorySource{100: estate.MemoryInGuest, 105: estate.MemoryHost} {
		status, _, err := client.GuestStatus(t.Context(), "pve1", proxmox.VM, vmid)
		require.NoError(t, err)
		g := *obs.Guest(vmid)
		applyStatus(&g, &status, "pve1", start().Add(time.Second))
		require.Equal(t, want, g.MemSource)
		require.Equal(t, obs.Guest(vmid).CPUFraction, g.CPUFraction, "stays with the table")
		require.Equal(t, estate.GuestRunning, g.Status)
		require.Equal(t, vmid == 105, g.Filesystems != nil, "its agent is off")
		require.Equal(t, vmid == 100, g.Balloon.FreeBytes.Known())
	}
}

func TestBalloonTellsTheSourceBeforePVE9(t *testing.T) {
	t.Parallel()
	g := estate.Guest{Kind: estate.VM, Status: estate.GuestRunning, MemTotalBytes: estate.Some[int64](100)}
	setMemory(&g, proxmox.Some[int64](60), proxmox.Opt[int64]{})
	require.Equal(t, estate.MemoryUnknown, g.MemSource)

	status := proxmox.GuestStatus{Status: "running", AgentEnabled: true, Balloon: proxmox.Balloon{
		Present: true, TotalBytes: proxmox.Some[int64](100), FreeBytes: proxmox.Some[int64](40),
	}}
	rotate(&g, &status, start())
	require.Equal(t, estate.MemoryInGuest, g.MemSource)
	setMemory(&g, proxmox.Some[int64](120), proxmox.Opt[int64]{})
	require.Equal(t, estate.Some[int64](100), g.MemUsedBytes, "no more than there is")

	status.Balloon.FreeBytes = proxmox.Some[int64](101)
	rotate(&g, &status, start())
	require.False(t, g.Balloon.FreeBytes.Known(), "more free than there is")
	require.Equal(t, estate.MemoryHost, g.MemSource)
	setMemory(&g, proxmox.Some[int64](120), proxmox.Opt[int64]{})
	require.Equal(t, estate.Some[int64](120), g.MemUsedBytes, "the host's view may exceed the total")
}

func TestYoungGuestHasNoCPUShare(t *testing.T) {
	t.Parallel()
	require.False(t, share(proxmox.Some(0.0), 19).Known())
	require.Equal(t, estate.Some(0.0), share(proxmox.Some(0.0), 20))
	require.Equal(t, estate.Some(0.5), share(proxmox.Some(0.5), 3))
	require.False(t, share(proxmox.Some(-0.58), 500).Known())
}

func TestMountsRecorded(t *testing.T) {
	t.Parallel()
	client := replayClient(t, replay{"/nodes/pve1/qemu/100/agent/get-fsinfo": recorded(t, "standalone-fsinfo")})
	mounts, _, err := client.GuestFilesystems(t.Context(), "pve1", 100)
	require.NoError(t, err)
	obs := observe(t, nil, recordedResources(t, "standalone-resources"), start())
	d := draftOf(obs, "pve-0")
	mounts = append(mounts, proxmox.Filesystem{ // a bind mount of the first
		Name: "sda1", Mountpoint: "/srv", Type: "ext4",
		TotalBytes: proxmox.Some[int64](33501757440), UsedBytes: proxmox.Some[int64](9876543210),
	})
	d.applyMounts(&outcome{read: read{vmid: 100}, at: start(), mounts: mounts})
	g := d.done().Guest(100)
	require.Len(t, g.Filesystems.List, 5)
	require.Equal(t, estate.Some[int64](9876543210+9012224), g.DiskUsedBytes)
	require.Equal(t, estate.Some[int64](33501757440+129718272), g.DiskTotalBytes)

	next := observe(t, d.done(), recordedResources(t, "standalone-resources"), start().Add(10*time.Second))
	require.Equal(t, g.DiskUsedBytes, next.Guest(100).DiskUsedBytes)
	require.Equal(t, g.DiskTotalBytes, next.Guest(100).DiskTotalBytes)
	require.Nil(t, obs.Guest(100).Filesystems)
}

func TestMountsStayThroughOneFailure(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "standalone-resources"), start())
	failure := &outcome{read: read{kind: readAgent, vmid: 100}, err: &proxmox.Error{Kind: proxmox.ErrTimeout}}
	d := draftOf(obs, "pve-0")
	d.applyMounts(&outcome{read: read{vmid: 100}, at: start(), mounts: []proxmox.Filesystem{
		{Name: "sda", TotalBytes: proxmox.Some[int64](10), UsedBytes: proxmox.Some[int64](1)},
	}})
	d.applyFailure(failure, start().Add(time.Minute), false)
	require.Len(t, d.guest(100).Filesystems.List, 1)
	d.applyFailure(failure, start().Add(time.Hour), false)
	require.Empty(t, d.guest(100).Filesystems.List)
	require.Equal(t, "the guest agent did not answer in time", d.guest(100).Filesystems.Reason)
	require.False(t, d.guest(100).DiskUsedBytes.Known())
	require.True(t, d.notes.has(guestNote(noteAgent, 100)))
	d.applyMounts(&outcome{read: read{vmid: 100}, at: start().Add(2 * time.Hour)})
	require.False(t, d.notes.has(guestNote(noteAgent, 100)))
	require.NotEmpty(t, d.guest(100).Filesystems.Reason)
}

func TestAgentReason(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"the guest agent is not running":              &proxmox.Error{Message: "QEMU guest agent is not running"},
		reasonAgentOff:                                &proxmox.Error{Message: "No QEMU guest agent configured"},
		"the credentials may not ask the guest agent": &proxmox.Error{Kind: proxmox.ErrForbidden},
		"the guest agent could not be asked":          errors.New("odd"),
	} {
		require.Equal(t, want, agentReason(err))
	}
}
