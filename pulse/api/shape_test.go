package api_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// recorded reads an answer that existing clients were written for.
func recorded(t *testing.T, name string) any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var value any
	require.NoError(t, json.Unmarshal(data, &value))
	return value
}

// requireShape checks that got has every field of want, with a value of the same kind; lists by their first elements.
func requireShape(t *testing.T, where string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, "%s is %T", where, got)
		for name, value := range w {
			require.Contains(t, g, name, "%s.%s is missing", where, name)
			requireShape(t, where+"."+name, value, g[name])
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, "%s is %T", where, got)
		if len(w) > 0 {
			require.NotEmpty(t, g, where)
			requireShape(t, where+"[0]", w[0], g[0])
		}
	default:
		require.IsType(t, want, got, where)
	}
}

func (r reply) value(t testing.TB) any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(r.body, &value), "%s", r.body)
	return value
}

func TestAnswersHaveTheShapesThatClientsKnow(t *testing.T) {
	t.Parallel()
	cfg := sim.Config{Seed: 1, Clusters: 1, NodesPerCluster: 2, Guests: 4, BackupServers: 1}
	inLab(t, cfg, nil, func(l *lab) {
		require.Equal(t, recorded(t, "nodes-empty"), l.do("GET", "/api/config/nodes", nil).value(t))
		require.Equal(t, recorded(t, "discover"), l.do("GET", "/api/discover", nil).value(t))
		l.watch()
		for name, path := range map[string]string{
			"health": "/api/health", "version": "/api/version", "config-public": "/api/config",
			"system-default": "/api/config/system", "diagnostics": "/api/diagnostics",
		} {
			requireShape(t, name, recorded(t, name), l.do("GET", path, nil).value(t))
		}
		read := map[string]any{"lastPoll": "2026-01-02T03:04:05Z", "poll": map[string]any{"requests": 1.0}}
		requireShape(t, "diagnostics", map[string]any{"nodes": []any{read}, "pbs": []any{read}},
			l.do("GET", "/api/diagnostics", nil).value(t))
		nodes, ok := l.do("GET", "/api/config/nodes", nil).value(t).([]any)
		require.True(t, ok)
		require.Len(t, nodes, 2)
		clustered, _ := recorded(t, "nodes-cluster").([]any)
		cluster := clustered[1].(map[string]any)
		delete(cluster, "user") // it logs in with a token here
		requireShape(t, "cluster", cluster, nodes[0])
		connected, _ := recorded(t, "nodes-connected").([]any)
		requireShape(t, "server", connected[1], nodes[1])

		var state api.State
		l.get("/api/state", &state)
		for _, s := range state.Storage {
			name := "storage-one"
			if s.Shared {
				name = "storage-shared"
			}
			requireShape(t, name, recorded(t, name), l.do("GET", "/api/storage/"+s.ID, nil).value(t))
		}
	})
}

func TestSecurityStatusIsAsRecorded(t *testing.T) {
	t.Parallel()
	list, _ := recorded(t, "security-status").([]any)
	for i, change := range []func(*api.Options){nil, guarded, func(o *api.Options) { o.AllowUnprotectedExport = true }} {
		want := list[i].(map[string]any)["response"]
		require.Equal(t, want, newLab(t, change).do("GET", "/api/security/status", nil).value(t))
	}
}

func TestTestsOfNodesAnswerAsRecorded(t *testing.T) {
	t.Parallel()
	cfg := sim.Config{Seed: 1, Clusters: 1, NodesPerCluster: 2, Guests: 4, BackupServers: 1}
	list, _ := recorded(t, "nodes-test").([]any)
	find := func(path string, keys ...string) any {
		i := slices.IndexFunc(list, func(entry any) bool {
			e := entry.(map[string]any)
			response, ok := e["response"].(map[string]any)
			if !ok || e["path"] != path || len(response) != len(keys) {
				return false
			}
			return !slices.ContainsFunc(keys, func(k string) bool { _, ok := response[k]; return !ok })
		})
		require.GreaterOrEqual(t, i, 0)
		return list[i].(map[string]any)["response"]
	}
	inLab(t, cfg, nil, func(l *lab) {
		const connection, configuration = "/api/config/nodes/test-connection", "/api/config/nodes/test-config"
		clustered := l.do("POST", connection, l.draft(0, sim.Auditor)).value(t)
		requireShape(t, "cluster", find(connection, "clusterNodeCount", "isCluster", "message", "nodeCount", "status"), clustered)
		require.Equal(t, "Successfully connected to 2 node(s)", clustered.(map[string]any)["message"])
		server := l.do("POST", connection, l.serverDraft(0, sim.Auditor)).value(t)
		requireShape(t, "server", find(connection, "datastoreCount", "message", "status"), server)
		tried := l.do("POST", configuration, l.draft(0, sim.Auditor)).value(t)
		requireShape(t, "configuration", find(configuration, "latency", "message", "status"), tried)
		require.Equal(t, "Connected to PVE cluster with 2 nodes", tried.(map[string]any)["message"])
	})
}
