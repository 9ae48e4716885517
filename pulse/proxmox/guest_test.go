package proxmox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGuestFilesystemsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"data":{"result":{"error":{"class":"CommandNotFound","desc":"The command guest-get-fsinfo has been disabled"}}}}`,
		`{"data":{"result":{}}}`,
	} {
		_, _, err := newClient(t, newServer(t, jsonReply(body))).GuestFilesystems(t.Context(), "pve1", 100)
		require.ErrorIs(t, err, ErrNoAgent)
	}
	got, _, err := newClient(t, newServer(t, jsonReply(`{"data":{"result":[]}}`))).GuestFilesystems(t.Context(), "pve1", 100)
	require.NoError(t, err)
	require.Empty(t, got)
}

// TestOlderNodeStatus: PVE 7 has no kernel object, and no field of its own for available memory.
func TestOlderNodeStatus(t *testing.T) {
	t.Parallel()
	body := `{"data":{"kversion":"Linux 5.15.158-2-pve #1 SMP PVE 5.15.158-2 (2024-07-24T13:22Z)","pveversion":"pve-manager/7.4-20/abcdef01",
		"loadavg":["0.10","0.20","0.30","0.40"],"cpuinfo":{"mhz":"2200.000","cpus":"8"},"memory":{"total":10,"used":"4","free":6},"uptime":"99"}}`
	got, _, err := newClient(t, newServer(t, jsonReply(body))).NodeStatus(t.Context(), "n")
	require.NoError(t, err)
	require.Equal(t, NodeStatus{
		UptimeSeconds: Some[int64](99), Load1: Some(0.1), Load5: Some(0.2), Load15: Some(0.3),
		CPU: CPUModel{Logical: Some[int64](8), MHz: Some(2200.0)}, KernelRelease: "5.15.158-2-pve", PVEVersion: "7.4-20",
		Memory: MemoryUse{TotalBytes: Some[int64](10), UsedBytes: Some[int64](4), FreeBytes: Some[int64](6)},
	}, got)
}

func decodeGuest(t *testing.T, file string, kind GuestKind) (out GuestStatus) {
	t.Helper()
	require.NoError(t, decodeEnvelope(readReply(t, file), anObject, func(s *scanner) { out = decodeGuestStatus(s, kind) }))
	return out
}

// TestBalloonWithoutStatistics: a driver that reports nothing leaves a fresh last update and the host's view of memory.
func TestBalloonWithoutStatistics(t *testing.T) {
	t.Parallel()
	got := decodeGuest(t, "standalone/nodes_pve1_qemu_103_status_current__root-ticket.json", VM)
	require.Equal(t, Balloon{
		Present: true, ActualBytes: Some[int64](2147483648), MaxBytes: Some[int64](2147483648), LastUpdate: time.Unix(1795462439, 0).UTC(),
	}, got.Balloon)
	require.Equal(t, got.MemHostBytes, got.MemBytes)
	require.Equal(t, [2]string{"running", "paused"}, [2]string{got.Status, got.QMPStatus}, "the finer state stands beside")
	require.Equal(t, Balloon{}, decodeGuest(t, "standalone/nodes_pve1_qemu_105_status_current__root-ticket.json", VM).Balloon)
}

func TestBalloonWithStatistics(t *testing.T) {
	t.Parallel()
	got := decodeGuest(t, "cluster-ok/nodes_pve_a_qemu_1100_status_current__auditor-token.json", VM)
	require.Equal(t, Balloon{
		Present: true, ActualBytes: Some[int64](4294967296), MaxBytes: Some[int64](4294967296), TotalBytes: Some[int64](4209067950),
		FreeBytes: Some[int64](1280181146), LastUpdate: time.Unix(1795462578, 0).UTC(),
	}, got.Balloon)
	require.Equal(t, Some[int64](2928886804), got.MemBytes)
	require.True(t, got.AgentEnabled && got.HAManaged)
	require.Equal(t, "started", got.HAState)
}

func TestContainerStatus(t *testing.T) {
	t.Parallel()
	got := decodeGuest(t, "cluster-ok/nodes_pve_a_lxc_1200_status_current__auditor-token.json", Container)
	require.Equal(t, GuestStatus{
		Kind: Container, VMID: 1200, Name: "ha-ct", Status: "running", HAManaged: true, HAState: "started", CPUs: Some(2.0),
		UptimeSeconds: Some[int64](400220), MemBytes: Some[int64](406372542), MaxMemBytes: Some[int64](1073741824),
		SwapBytes: Some[int64](0), MaxSwapBytes: Some[int64](536870912), DiskBytes: Some[int64](20971520),
		MaxDiskBytes: Some[int64](8350298112), NetInBytes: Some[int64](1004356307), NetOutBytes: Some[int64](2002178153),
		DiskReadBytes: Some[int64](3021781537), DiskWriteBytes: Some[int64](4043563075),
	}, got)
}
