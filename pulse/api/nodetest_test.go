package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestFailedTriesSayWhatFailed(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 4, BackupServers: 1}, nil, func(l *lab) {
		draft := func(name string, value any) map[string]any {
			d := l.draft(0, sim.Auditor)
			d[name] = value
			return d
		}
		tests := []struct {
			name, stage string
			body        map[string]any
		}{
			{name: "nothing listens", stage: "refused", body: draft("host", "https://127.17.9.9:8006")},
			{name: "wrong secret", stage: "credentials", body: draft("tokenValue", "wrong-secret")},
			{name: "wrong fingerprint", stage: "tls", body: draft("fingerprint", fingerprint)},
			{name: "authorities do not know it", stage: "tls", body: draft("verifySSL", true)},
			{name: "no rights", stage: "privilege", body: l.draft(0, sim.NoRights)},
			{name: "the other kind", stage: "wrong-kind", body: draft("host", l.estate.BackupServers()[0].URL)},
		}
		for _, tt := range tests {
			answer := l.do("POST", nodesPath+"/test-connection", tt.body)
			said := answer.failure(t, 400)
			var failure api.TestFailure
			require.NoError(t, json.Unmarshal(answer.body, &failure))
			require.Equal(t, "error", failure.Status, tt.name)
			require.Equal(t, tt.stage, failure.Failure.Stage, "%s: %s", tt.name, said)
			switch tt.stage {
			case "tls":
				require.Equal(t, l.estate.Clusters()[0].Nodes[0].Fingerprint, failure.Failure.OfferedFingerprint)
			case "privilege":
				require.True(t, strings.HasPrefix(failure.Failure.Command, "pveum "), failure.Failure.Command)
			}
			require.NotContains(t, string(answer.body), "wrong-secret")

			older := l.do("POST", nodesPath+"/test-config", tt.body)
			require.Equal(t, 200, older.StatusCode)
			var outcome api.TestOutcome
			require.NoError(t, json.Unmarshal(older.body, &outcome))
			require.Equal(t, "error", outcome.Status)
			require.Equal(t, said, outcome.Message)
			require.Nil(t, outcome.Latency)
		}
		require.Empty(t, l.list())
	})
}

func TestSuccessfulTryTellsWhatTheCredentialSees(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 4, BackupServers: 1}, nil, func(l *lab) {
		answer := l.do("POST", nodesPath+"/test-connection", l.draft(0, sim.Limited))
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		var result api.TestResult
		require.NoError(t, json.Unmarshal(answer.body, &result))
		cluster := l.estate.Clusters()[0]
		require.True(t, *result.IsCluster)
		require.Equal(t, cluster.Nodes[0].Fingerprint, result.Fingerprint)
		require.NotEmpty(t, result.Version)
		require.Len(t, result.Nodes, 3)
		granted := map[string]bool{}
		for _, a := range result.Abilities {
			granted[a.Name] = a.Granted
			require.Equal(t, a.Granted, a.Command == "", a.Name)
		}
		require.False(t, granted["nodes"])

		answer = l.do("POST", nodesPath+"/test-connection", l.draft(0, sim.Auditor))
		require.NoError(t, json.Unmarshal(answer.body, &result))
		require.Equal(t, cluster.Name, result.ClusterName)
	})
}

func TestConfiguredNodesAreTriedByID(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 4, BackupServers: 1}, nil, func(l *lab) {
		l.watch()
		try := func(id string) api.TestOutcome {
			answer := l.do("POST", nodesPath+"/"+id+"/test", nil)
			require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
			var outcome api.TestOutcome
			require.NoError(t, json.Unmarshal(answer.body, &outcome))
			return outcome
		}
		require.Equal(t, "Connected to PVE cluster with 3 nodes", try("pve-0").Message)
		require.Equal(t, "Connected to PBS", try("pbs-0").Message)
		require.Equal(t, api.TestOutcome{Status: "error", Message: "Node not found"}, try("pve-7"))
		require.NoError(t, l.estate.PBSDown(l.estate.BackupServers()[0].Name))
		down := try("pbs-0")
		require.Equal(t, "error", down.Status)
		require.Equal(t, "refused", down.Failure.Stage)
		l.do("POST", nodesPath+"/nope/test", nil).failure(t, 400)
	})
}
