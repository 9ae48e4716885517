package sim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// order sends a control request and gives its status and body.
func order(t *testing.T, estate *sim.Estate, method, path, body string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	require.NoError(t, err)
	estate.Control().ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.String()
}

func TestControlCarriesOutEveryOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.tick()
	for _, c := range []struct {
		path, body string
		check      func() bool
	}{
		{"/guest/stop", `{"cluster":"home","vmid":100}`, func() bool { return b.current("home", "alder", "qemu/100")["status"] == "stopped" }},
		{"/guest/start", `{"cluster":"home","vmid":100}`, func() bool { return b.current("home", "alder", "qemu/100")["status"] == "running" }},
		{"/guest/stop-silently", `{"cluster":"home","vmid":100}`, func() bool { return b.current("home", "alder", "qemu/100")["status"] == "stopped" }},
		{"/guest/migrate", `{"cluster":"home","vmid":101,"node":"birch"}`, func() bool { return b.resource("home", "qemu/101")["node"] == "birch" }},
		{"/guest/create", `{"cluster":"home","vmid":400,"type":"lxc","node":"birch","name":"n"}`, func() bool { return b.resource("home", "lxc/400") != nil }},
		{"/guest/recreate", `{"cluster":"home","vmid":400}`, func() bool { return b.newest("home", "birch")["type"] == "vzcreate" }},
		{"/guest/remove", `{"cluster":"home","vmid":400}`, func() bool { return b.resource("home", "lxc/400") == nil }},
		{"/guest/reset-counters", `{"cluster":"home","vmid":102}`, func() bool { return b.current("home", "birch", "qemu/102")["netin"] == 0.0 }},
		{"/guest/rename", `{"cluster":"home","vmid":102,"name":"x"}`, func() bool { return b.current("home", "birch", "qemu/102")["name"] == "x" }},
		{"/guest/lock", `{"cluster":"home","vmid":102,"lock":"disk"}`, func() bool { return b.resource("home", "qemu/102")["lock"] == "disk" }},
		{"/guest/tags", `{"cluster":"home","vmid":102,"tags":"q"}`, func() bool { return b.resource("home", "qemu/102")["tags"] == "q" }},
		{"/guest/status", `{"cluster":"home","vmid":102,"status":"io-error"}`, func() bool { return b.current("home", "birch", "qemu/102")["qmpstatus"] == "io-error" }},
		{"/guest/snapshot", `{"cluster":"home","vmid":102,"name":"s"}`, func() bool { return b.newest("home", "birch")["type"] == "qmsnapshot" }},
		{"/guest/backup", `{"cluster":"home","vmid":102}`, func() bool { return b.newest("home", "birch")["type"] == "vzdump" }},
		{"/guest/agent-hang", `{"cluster":"home","vmid":103}`, func() bool {
			return b.getAt("home", "birch", "/nodes/birch/qemu/103/agent/get-osinfo").StatusCode == 500
		}},
		{"/guest/monitor-silent", `{"cluster":"home","vmid":103}`, func() bool { return b.current("home", "birch", "qemu/103")["ballooninfo"] == nil }},
		{"/fault", `{"fault":"proxy-error","cluster":"home","node":"birch","code":596}`, func() bool { return b.getAt("home", "alder", "/nodes/birch/status").StatusCode == 596 }},
		{"/fault", `{"fault":"proxy-error","cluster":"home","node":"birch","code":596,"off":true}`, func() bool { return b.getAt("home", "alder", "/nodes/birch/status").StatusCode == 200 }},
		{"/fault", `{"fault":"daemon-down","cluster":"home","node":"birch"}`, func() bool { return b.getAt("home", "alder", "/nodes/birch/qemu").StatusCode == 595 }},
		{"/fault", `{"fault":"proxy-down","cluster":"home","node":"birch"}`, func() bool { return b.getAt("home", "alder", "/nodes/birch/status").StatusCode == 595 }},
		{"/fault", `{"fault":"node-down","cluster":"home","node":"cedar"}`, func() bool { return b.resource("home", "node/cedar")["status"] == "offline" }},
		{"/fault", `{"fault":"node-up","cluster":"home","node":"cedar"}`, func() bool { return b.resource("home", "node/cedar")["status"] == "online" }},
		{"/fault", `{"fault":"quorum-lost","cluster":"home"}`, func() bool { return b.resource("home", "node/birch")["status"] == "offline" }},
		{"/fault", `{"fault":"quorum-lost","cluster":"home","off":true}`, func() bool { return b.resource("home", "node/birch")["status"] == "online" }},
		{"/fault", `{"fault":"storage-down","cluster":"home","storage":"nas"}`, func() bool {
			return decode[row](t, b.getAt("home", "alder", "/nodes/alder/storage/nas/status"))["active"] == 0.0
		}},
		{"/fault", `{"fault":"statd-stopped","cluster":"attic","node":"attic"}`, func() bool {
			before := b.resource("attic", "node/attic")["uptime"]
			b.tick()
			return b.resource("attic", "node/attic")["uptime"] == before
		}},
		{"/fault", `{"fault":"unauthorized","cluster":"attic"}`, func() bool { return b.get("attic", sim.Auditor, "/version").StatusCode == 401 }},
		{"/fault", `{"fault":"pbs-unauthorized","server":"vault"}`, func() bool { return b.pbs(sim.Auditor, "/version").StatusCode == 401 }},
		{"/fault", `{"fault":"pbs-unauthorized","server":"vault","off":true}`, func() bool { return b.pbs(sim.Auditor, "/version").StatusCode == 200 }},
		{"/fault", `{"fault":"maintenance","server":"vault","datastore":"main","mode":"type=offline"}`, func() bool {
			return b.pbs(sim.Auditor, "/admin/datastore/main/groups").StatusCode == 400
		}},
		{"/fault", `{"fault":"pbs-down","server":"vault"}`, func() bool {
			_, err := b.RoundTrip(requestTo(t, b.BackupServers()[0].URL))
			return err != nil
		}},
		{"/fault", `{"fault":"pbs-up","server":"vault"}`, func() bool { return b.pbs(sim.Auditor, "/ping").StatusCode == 200 }},
	} {
		status, body := order(t, b.Estate, http.MethodPost, c.path, c.body)
		require.Equal(t, http.StatusOK, status, c.path+" "+c.body+" "+body)
		require.True(t, c.check(), c.path+" "+c.body)
	}
}

func TestControlChangesCertificatesAndDelays(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	node := func() string { return b.Clusters()[0].Nodes[0].Fingerprint }
	server := func() string { return b.BackupServers()[0].Fingerprint }
	for body, look := range map[string]func() string{
		`{"fault":"renew-certificate","cluster":"home","node":"alder"}`:   node,
		`{"fault":"replace-certificate","cluster":"home","node":"alder"}`: node,
		`{"fault":"pbs-certificate","server":"vault"}`:                    server,
	} {
		before := look()
		status, _ := order(t, b.Estate, http.MethodPost, "/fault", body)
		require.Equal(t, http.StatusOK, status)
		require.NotEqual(t, before, look(), body)
	}
	require.NoError(t, b.Fault(sim.Order{Fault: "slow", Cluster: "home", Node: "alder", DelayMilliseconds: 30}))
	require.NoError(t, b.Fault(sim.Order{Fault: "pbs-slow", Server: "vault", DelayMilliseconds: 30}))
	began := time.Now()
	b.get("home", sim.Auditor, "/version")
	b.pbs(sim.Auditor, "/version")
	require.GreaterOrEqual(t, time.Since(began), 60*time.Millisecond)
	require.NoError(t, b.Fault(sim.Order{Fault: "hang", Cluster: "home", Node: "alder"}))
	require.NoError(t, b.Fault(sim.Order{Fault: "hang", Cluster: "home", Node: "alder", Off: true}))
	require.NoError(t, b.Fault(sim.Order{Fault: "pbs-hang", Server: "vault"}))
	require.NoError(t, b.Fault(sim.Order{Fault: "pbs-hang", Server: "vault", Off: true}))
	require.Equal(t, 200, b.pbs(sim.Auditor, "/version").StatusCode)
}

func TestControlTellsAndRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	_, body := order(t, b.Estate, http.MethodGet, "/estate", "")
	var described sim.Description
	require.NoError(t, json.Unmarshal([]byte(body), &described))
	require.Equal(t, b.Describe(), described)
	_, body = order(t, b.Estate, http.MethodGet, "/guests?cluster=attic", "")
	var guests []sim.Guest
	require.NoError(t, json.Unmarshal([]byte(body), &guests))
	require.Len(t, guests, 6)
	b.get("home", sim.Auditor, "/version")
	_, body = order(t, b.Estate, http.MethodGet, "/counts?target=home", "")
	require.JSONEq(t, `{"GET /version":1}`, body)
	_, body = order(t, b.Estate, http.MethodGet, "/requests?target=home", "")
	require.Contains(t, body, `"path":"/version"`)
	code, body := order(t, b.Estate, http.MethodGet, "/requests?target=home&since=3000-01-01T00:00:00Z", "")
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, "[]", body)
	code, _ = order(t, b.Estate, http.MethodGet, "/requests?target=home&since=yesterday", "")
	require.Equal(t, http.StatusBadRequest, code)
	order(t, b.Estate, http.MethodDelete, "/requests", "")
	require.Empty(t, b.RequestCounts("home"))
	for path, bad := range map[string]string{
		"/fault": `{"fault":"nonsense"}`, "/guest/nonsense": `{}`, "/guest/stop": `{"cluster":"home","vmid":1}`, "/guest/start": `{"unknown":1}`,
	} {
		status, body := order(t, b.Estate, http.MethodPost, path, bad)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, body, `{"error":`)
	}
	status, _ := order(t, b.Estate, http.MethodGet, "/guests?cluster=nowhere", "")
	require.Equal(t, http.StatusBadRequest, status)
}
