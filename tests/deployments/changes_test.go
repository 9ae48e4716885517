package deployments

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

const (
	nodesPath  = "/api/config/nodes"
	systemPath = "/api/config/system"
)

// changes changes the configuration in every way there is. At the end everything is watched, and seldom, so that what is
// shown stands still.
func (v *visit) changes() {
	v.changesSettings()
	other, vault := v.estate.cluster(v.T, "cluster2"), v.estate.BackupServers()[0]
	auditor := other.Credentials[sim.Auditor]
	draft := map[string]any{
		"type": "pve", "name": "other", "host": other.URL(), "tokenName": auditor.TokenID, "tokenValue": auditor.TokenSecret,
	}
	v.tries(draft)
	v.ask(http.StatusCreated, request{name: "add a cluster", method: http.MethodPost, path: nodesPath, body: draft})
	require.NotEmpty(v, v.listed("pve-1"))
	v.ask(http.StatusCreated, request{name: "add a backup server", method: http.MethodPost, path: nodesPath, body: map[string]any{
		"type": "pbs", "name": "vault", "host": vault.URL, "user": vault.Credentials[sim.Admin].User,
		"password": vault.Credentials[sim.Admin].Password,
	}})
	v.ask(http.StatusOK, request{name: "rename", method: http.MethodPut, path: nodesPath + "/pve-1", body: map[string]any{"name": "renamed"}})
	require.Contains(v, v.listed("pve-1"), `"renamed"`)
	v.ask(http.StatusConflict, request{
		name: "take a name that is taken", method: http.MethodPut, path: nodesPath + "/pve-1", body: map[string]any{"name": declared},
	})
	v.changesDeclared()
	v.forgets(draft)
	v.settles()
	v.ask(http.StatusConflict, request{name: "add it again", method: http.MethodPost, path: nodesPath, body: draft})
	v.ask(http.StatusOK, request{name: "try out what is configured", method: http.MethodPost, path: nodesPath + "/pve-1/test"})
}

// listed is what the list of nodes says of one; empty when it is not there. The list is read right after a change: whoever
// sends the revision that the change was answered with sees it, whoever answers.
func (v *visit) listed(id string) string {
	v.Helper()
	var nodes []struct{ ID, Name string }
	v.send(request{method: http.MethodGet, path: nodesPath}).json(v.T, &nodes)
	for _, n := range nodes {
		if n.ID == id {
			return fmt.Sprintf("%q", n.Name)
		}
	}
	return ""
}

func (v *visit) changesSettings() {
	v.ask(http.StatusOK, request{name: "the settings at first", method: http.MethodGet, path: systemPath})
	v.ask(http.StatusOK, request{name: "poll often", method: http.MethodPost, path: systemPath, body: map[string]any{
		"pollingInterval": 2, "connectionTimeout": 20, "allowedOrigins": "https://home.example.com", "unknown": true,
	}})
	require.NotEmpty(v, v.revision)
	r := v.ask(http.StatusOK, request{name: "the settings after that", method: http.MethodGet, path: systemPath})
	require.Contains(v, string(r.body), `"connectionTimeout":20`)
	for _, origin := range []string{"https://home.example.com", "https://evil.example.com"} {
		r := v.ask(http.StatusOK, request{
			name: "a page of " + origin, method: http.MethodGet, path: systemPath, header: []string{"Origin: " + origin},
		})
		allowed := r.header.Get("Access-Control-Allow-Origin")
		require.Equal(v, strings.Contains(origin, "home"), allowed == origin, "%s: %s", origin, allowed)
	}
}

// tries tries out what is not configured.
func (v *visit) tries(draft map[string]any) {
	wrong := maps.Clone(draft)
	wrong["tokenValue"] = "12345678-0000-0000-0000-123456789abc"
	refused := map[string]any{"type": "pve", "host": "https://127.0.0.1:1", "user": "a@pve", "password": "12345"}
	for name, body := range map[string]map[string]any{"a good node": draft, "a wrong token": wrong, "nobody there": refused} {
		status := http.StatusBadRequest
		if name == "a good node" {
			status = http.StatusOK
		}
		v.ask(status, request{name: "try out " + name, method: http.MethodPost, path: nodesPath + "/test-connection", body: body})
		v.ask(http.StatusOK, request{
			name: "try out " + name + ", as older clients do", method: http.MethodPost, path: nodesPath + "/test-config", body: body,
		})
	}
	v.ask(http.StatusOK, request{name: "try out what nobody has", method: http.MethodPost, path: nodesPath + "/pve-77/test"})
}

// changesDeclared finds that what a file declares is changed there only.
func (v *visit) changesDeclared() {
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		r := v.ask(http.StatusConflict, request{
			name: method + " what a file declares", method: method, path: nodesPath + "/pve-0", body: map[string]any{"name": "x"},
		})
		require.Contains(v, string(r.body), v.estate.targets)
	}
}

// forgets adds and removes, and finds that ids are never given again.
func (v *visit) forgets(draft map[string]any) {
	gone := maps.Clone(draft)
	gone["name"], gone["host"] = "gone", "https://127.0.0.1:1"
	for _, id := range []string{"pve-2", "pve-3"} {
		v.ask(http.StatusCreated, request{name: "add " + id, method: http.MethodPost, path: nodesPath, body: gone})
		require.NotEmpty(v, v.listed(id))
		v.ask(http.StatusOK, request{name: "remove " + id, method: http.MethodDelete, path: nodesPath + "/" + id})
		require.Empty(v, v.listed(id))
		v.ask(http.StatusNotFound, request{name: "remove " + id + " again", method: http.MethodDelete, path: nodesPath + "/" + id})
	}
}

// shown is what these tests look at in /api/state.
type shown struct {
	Nodes      []struct{ Name, KernelVersion, Freshness string }
	VMs        []struct{ Name, Status, Freshness, MemorySource string }
	Containers []struct{ Name, Status, Freshness string }
	Storage    []struct{ Freshness string }
	PBS        []struct{ Freshness string }
	Targets    []struct{ Name, Status string }
}

// missing tells what a state does not show yet that comes with the first readings.
func (s shown) missing() error {
	if len(s.Targets) != 3 || len(s.Nodes) != 4 || len(s.PBS) != 1 || len(s.VMs)+len(s.Containers) != 12 {
		return fmt.Errorf("%d targets, %d nodes, %d servers, %d guests",
			len(s.Targets), len(s.Nodes), len(s.PBS), len(s.VMs)+len(s.Containers))
	}
	for _, target := range s.Targets {
		if target.Status != "connected" {
			return fmt.Errorf("%s is %s", target.Name, target.Status)
		}
	}
	for _, n := range s.Nodes {
		if n.KernelVersion == "" {
			return fmt.Errorf("the kernel of %s is not known", n.Name)
		}
	}
	for _, g := range s.VMs {
		if g.Status == "running" && g.MemorySource == "unknown" {
			return fmt.Errorf("the memory of %s is not known", g.Name)
		}
	}
	return nil
}

// settles waits until all is read that is read once, and has the rest of it read seldom.
func (v *visit) settles() {
	v.await("the first readings", "/api/state", func(r reply) error {
		var s shown
		r.json(v.T, &s)
		return s.missing()
	})
	v.ask(http.StatusOK, request{name: "poll seldom", method: http.MethodPut, path: systemPath, body: map[string]any{"pollingInterval": 3600}})
	v.await("all of it live", "/api/state", func(r reply) error {
		var s shown
		r.json(v.T, &s)
		if strings.Contains(string(r.body), `"freshness":"stale"`) {
			return fmt.Errorf("something is stale")
		}
		return s.missing()
	})
}
