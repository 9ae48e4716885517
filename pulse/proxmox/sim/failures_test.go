package sim_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// TestErrorsAreThoseOfTheRecordings asks what was asked for the recordings, with
// the names of the simulated estate, and expects the same body.
func TestErrorsAreThoseOfTheRecordings(t *testing.T) {
	t.Parallel()
	const upid = "UPID:pve1:00000001:00000001:6B000000:vzdump:100:root@pam:"
	for _, c := range []struct {
		recorded, method, path string
		role                   sim.Role
		status                 int
	}{
		{"fail_missing_vm_status__root-ticket", "GET", "/nodes/pve1/qemu/9999/status/current", sim.Admin, 500},
		{"fail_missing_vm_rrddata__root-ticket", "GET", "/nodes/pve1/qemu/9999/rrddata?timeframe=hour", sim.Admin, 500},
		{"fail_unknown_path__root-ticket", "GET", "/nosuch/path", sim.Admin, 501},
		{"fail_extra_param__root-ticket", "GET", "/nodes/pve1/status?foo=1", sim.Admin, 400},
		{"fail_malformed_vmid__root-ticket", "GET", "/nodes/pve1/qemu/abc/status/current", sim.Admin, 400},
		{"fail_malformed_vmid_small__root-ticket", "GET", "/nodes/pve1/qemu/5/status/current", sim.Admin, 400},
		{"fail_malformed_enum__root-ticket", "GET", "/cluster/resources?type=banana", sim.Admin, 400},
		{"fail_malformed_int__root-ticket", "GET", "/nodes/pve1/tasks?limit=x&since=-5", sim.Admin, 400},
		{"fail_missing_timeframe__root-ticket", "GET", "/nodes/pve1/rrddata", sim.Admin, 400},
		{"fail_malformed_timeframe__root-ticket", "GET", "/nodes/pve1/rrddata?timeframe=century", sim.Admin, 400},
		{"fail_unknown_node__root-ticket", "GET", "/nodes/nosuchnode/status", sim.Admin, 500},
		{"fail_missing_storage__root-ticket", "GET", "/nodes/pve1/storage/nosuch/content", sim.Admin, 500},
		{"fail_missing_storage_status__root-ticket", "GET", "/nodes/pve1/storage/nosuch/status", sim.Admin, 400},
		{"fail_bad_upid__root-ticket", "GET", "/nodes/pve1/tasks/UPID:bad/status", sim.Admin, 400},
		{"fail_missing_task__root-ticket", "GET", "/nodes/pve1/tasks/" + upid + "/status", sim.Admin, 400},
		{"fail_start_vm_denied__auditor-token", "POST", "/nodes/pve1/qemu/102/status/start", sim.Auditor, 403},
		{"cluster_ceph_status__root-ticket", "GET", "/cluster/ceph/status", sim.Admin, 500},
		{"nodes_pve1_qemu_101_agent_get_fsinfo__root-ticket", "GET", "/nodes/pve1/qemu/101/agent/get-fsinfo", sim.Admin, 500},
	} {
		t.Run(c.recorded, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, demo())
			recorded, err := os.ReadFile("testdata/standalone/" + c.recorded + ".json")
			require.NoError(t, err)
			attic := b.clusterNamed("attic")
			a := b.do(c.method, attic.URL()+"/api2/json"+strings.ReplaceAll(c.path, "pve1", "attic"), token(attic.Credentials[c.role]), "")
			require.Equal(t, c.status, a.StatusCode)
			body := strings.ReplaceAll(a.body, "attic", "pve1")
			require.JSONEq(t, string(recorded), body)
			require.Contains(t, body, strings.Split(strings.ReplaceAll(a.message(), "attic", "pve1"), "'")[0], "the reason repeats the message")
			require.True(t, a.Close, "an error closes the connection")
		})
	}
}

func TestUnusualRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	c := b.clusterNamed("home")
	head := b.do(http.MethodHead, c.URL()+"/api2/json/version", token(c.Credentials[sim.Auditor]), "")
	require.Equal(t, 501, head.StatusCode)
	file := b.do(http.MethodGet, c.URL()+"/nothing.txt", "", "")
	require.Equal(t, 500, file.StatusCode)
	require.Equal(t, "no such file '/nothing.txt'", file.message())
	require.Empty(t, file.body)
}

func TestMemberWithoutPower(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.tick()
	before := b.resource("home", "qemu/108")
	require.NoError(t, b.NodeDown("home", "cedar"))

	_, err := b.RoundTrip(requestTo(t, b.nodeURL("home", "cedar")))
	require.ErrorContains(t, err, "connection refused")
	a := b.getAt("home", "alder", "/nodes/cedar/status")
	require.Equal(t, 595, a.StatusCode)
	require.Equal(t, "Connection refused", a.message())
	require.Empty(t, a.body)
	require.Empty(t, a.Header.Get("Content-Type"))

	node := b.resource("home", "node/cedar")
	require.Equal(t, "offline", node["status"])
	require.Contains(t, node, "maxcpu")
	require.NotContains(t, node, "cpu")
	b.wait(4*time.Minute + 50*time.Second)
	require.Equal(t, before, b.resource("home", "qemu/108"), "numbers stand still")
	require.Equal(t, "available", b.resource("home", "storage/cedar/local")["status"])

	b.wait(30 * time.Second)
	guest := b.resource("home", "qemu/108")
	require.Equal(t, "unknown", guest["status"])
	require.NotContains(t, guest, "name")
	require.NotContains(t, b.resource("home", "node/cedar"), "maxcpu")
	storage := b.resource("home", "storage/cedar/local")
	require.Equal(t, "unknown", storage["status"])
	require.NotContains(t, storage, "maxdisk")
	require.Equal(t, 1.0, decode[[]row](t, b.get("home", sim.Auditor, "/cluster/status"))[0]["quorate"])

	require.NoError(t, b.NodeUp("home", "cedar"))
	require.Equal(t, "unknown", b.resource("home", "node/cedar")["status"], "online, but pvestatd has not published yet")
	b.tick()
	node = b.resource("home", "node/cedar")
	require.Equal(t, "online", node["status"])
	require.LessOrEqual(t, node["uptime"], 10.0)
	require.LessOrEqual(t, b.resource("home", "qemu/108")["uptime"], 10.0)
	require.Equal(t, 200, b.getAt("home", "alder", "/nodes/cedar/status").StatusCode)
}

func requestTo(t *testing.T, base string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api2/json/version", nil)
	require.NoError(t, err)
	return r
}

func TestMemberWithoutProxyStaysOnline(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.NodeProxyDown("home", "birch", true))
	require.Equal(t, 595, b.getAt("home", "alder", "/nodes/birch/status").StatusCode)
	_, err := b.RoundTrip(requestTo(t, b.nodeURL("home", "birch")))
	require.Error(t, err)
	require.Equal(t, "online", b.resource("home", "node/birch")["status"])
	require.NoError(t, b.NodeProxyDown("home", "birch", false))
	require.Equal(t, 200, b.getAt("home", "birch", "/version").StatusCode)
}

func TestMemberWithoutDaemonAnswersHalf(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.NodeDaemonDown("home", "birch", true))
	for _, via := range []string{"alder", "birch"} {
		require.Equal(t, 200, b.getAt("home", via, "/nodes/birch/status").StatusCode)
		require.Equal(t, 595, b.getAt("home", via, "/nodes/birch/qemu").StatusCode)
		require.Equal(t, 595, b.getAt("home", via, "/nodes/birch/qemu/102/status/current").StatusCode)
	}
	require.Equal(t, 595, b.getAt("home", "birch", "/cluster/status").StatusCode)
	require.Equal(t, 200, b.getAt("home", "alder", "/cluster/status").StatusCode)
}

func TestProxyErrorAndStoppedStatusDaemon(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.ProxyError("home", "birch", 596))
	require.Equal(t, 596, b.getAt("home", "alder", "/nodes/birch/status").StatusCode)
	require.Equal(t, 200, b.getAt("home", "birch", "/nodes/birch/status").StatusCode)
	require.NoError(t, b.ProxyError("home", "birch", 0))
	require.Equal(t, 200, b.getAt("home", "alder", "/nodes/birch/status").StatusCode)

	b.tick()
	before := b.resource("home", "qemu/102")
	require.NoError(t, b.StatusDaemonStopped("home", "birch", true))
	b.wait(time.Minute)
	require.Equal(t, before, b.resource("home", "qemu/102"))
	require.Equal(t, "online", b.resource("home", "node/birch")["status"])
	b.wait(5 * time.Minute)
	require.Equal(t, "unknown", b.resource("home", "node/birch")["status"])
	require.Equal(t, "running", decode[row](t, b.getAt("home", "birch", "/nodes/birch/qemu/102/status/current"))["status"])
	require.NoError(t, b.StatusDaemonStopped("home", "birch", false))
	b.tick()
	require.Greater(t, b.resource("home", "qemu/102")["uptime"], before["uptime"])
}

func TestQuorumLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.QuorumLost("home", true))
	for _, via := range []string{"alder", "birch"} {
		rows := decode[[]row](t, b.getAt("home", via, "/cluster/status"))
		require.Equal(t, 0.0, rows[0]["quorate"])
		for _, r := range decode[[]row](t, b.getAt("home", via, "/nodes")) {
			want := map[bool]string{true: "online", false: "offline"}[r["node"] == via]
			require.Equal(t, want, r["status"], "%s as seen from %s", r["node"], via)
		}
		seen := decode[[]row](t, b.getAt("home", via, "/cluster/resources?type=node"))
		for _, r := range seen {
			require.Equal(t, r["node"] == via, r["status"] == "online")
		}
	}
	c := b.clusterNamed("home")
	stop := b.do(http.MethodPost, c.URL()+"/api2/json/nodes/alder/qemu/100/status/stop", token(c.Credentials[sim.Admin]), "")
	require.Equal(t, 500, stop.StatusCode)
	require.Equal(t, "cluster not ready - no quorum?", stop.message())
	require.NoError(t, b.QuorumLost("home", false))
	require.Equal(t, 1.0, decode[[]row](t, b.getAt("home", "birch", "/cluster/status"))[0]["quorate"])
}

func TestStorageDownKeepsItsNumbersForFiveMinutes(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.StorageDown("home", "nas", true))
	b.wait(time.Minute)
	require.Equal(t, "available", b.resource("home", "storage/alder/nas")["status"])
	a := b.getAt("home", "alder", "/nodes/alder/storage/nas/content")
	require.Equal(t, "storage 'nas' is not online", a.message())
	require.Equal(t, 0.0, decode[row](t, b.getAt("home", "alder", "/nodes/alder/storage/nas/status"))["active"])
	b.wait(5 * time.Minute)
	require.Equal(t, "unknown", b.resource("home", "storage/alder/nas")["status"])
	require.NoError(t, b.StorageDown("home", "nas", false))
	require.Equal(t, "available", b.resource("home", "storage/alder/nas")["status"])
}

func TestUnknownNamesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	for name, err := range map[string]error{
		"cluster":    b.NodeDown("nowhere", "alder"),
		"node":       b.NodeDown("home", "nobody"),
		"node up":    b.NodeUp("home", "nobody"),
		"guest":      b.StopGuest("home", 999),
		"target":     b.MigrateGuest("home", 100, "nobody"),
		"storage":    b.StorageDown("home", "nothing", true),
		"server":     b.PBSDown("nothing"),
		"PBS":        b.PBSSlow("nothing", 0),
		"no PBS":     b.PBSUp("nothing"),
		"cert":       b.RenewCertificate("home", "nobody"),
		"quorum":     b.QuorumLost("nowhere", true),
		"new guest":  b.CreateGuest("home", sim.Guest{VMID: 500, Type: "qemu", Node: "nobody"}),
		"PBS cert":   b.ReplacePBSCertificate("nothing"),
		"proxy":      b.NodeProxyDown("home", "nobody", true),
		"no cluster": b.CreateGuest("nowhere", sim.Guest{}),
	} {
		require.ErrorIs(t, err, sim.ErrUnknown, name)
	}
	require.Error(t, b.CreateGuest("home", sim.Guest{VMID: 100, Type: "qemu", Node: "alder"}), "taken")
	require.Error(t, b.CreateGuest("home", sim.Guest{VMID: 501, Type: "toaster", Node: "alder"}))
}
