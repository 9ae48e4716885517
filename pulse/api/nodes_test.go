package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

const nodesPath = "/api/config/nodes"

// add adds a node and returns its id.
func (l *lab) add(body map[string]any) string {
	l.t.Helper()
	answer := l.do(http.MethodPost, nodesPath, body)
	require.Equal(l.t, http.StatusCreated, answer.StatusCode, "%s", answer.body)
	require.Equal(l.t, "application/json", answer.Header.Get("Content-Type"))
	added, _ := answer.value(l.t).(map[string]any)
	require.Equal(l.t, "success", added["status"])
	id, _ := added["id"].(string)
	return id
}

func (l *lab) list() []api.ConfiguredNode {
	l.t.Helper()
	var nodes []api.ConfiguredNode
	l.get(nodesPath, &nodes)
	return nodes
}

func plain(name string, more ...any) map[string]any {
	body := map[string]any{
		"type": "pve", "name": name, "host": "https://" + name + ".example.com", "user": "monitor@pve",
		"password": "dummy-password", "verifySSL": false,
	}
	for i := 0; i < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return body
}

func TestAddedNodeIsListedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.Equal(t, "pve-0", l.add(plain("one")))
	require.Equal(t, "pbs-0", l.add(map[string]any{
		"type": "pbs", "host": "two.example.com", "tokenId": "mon@pbs!t1", "tokenValue": "dummy-secret", "monitorSyncJobs": false,
	}))
	answer := l.do("GET", nodesPath, nil)
	require.NotContains(t, string(answer.body), "dummy")
	require.Equal(t, []api.ConfiguredNode{
		{
			ID: "pve-0", Type: "pve", Name: "one", Host: "https://one.example.com:8006", User: "monitor@pve", HasPassword: true,
			VerifyMode: "off", MonitorVMs: true, MonitorContainers: true, MonitorStorage: true, MonitorBackups: true,
			Status: "disconnected", Pending: true, Error: "not read yet",
		},
		{
			ID: "pbs-0", Type: "pbs", Name: "two.example.com", Host: "https://two.example.com:8007", TokenName: "mon@pbs!t1",
			HasToken: true, VerifySSL: true, VerifyMode: "auto", MonitorBackups: true, MonitorDatastores: true,
			MonitorVerifyJobs: true, MonitorPruneJobs: true, MonitorGarbageJobs: true,
			Status: "disconnected", Pending: true, Error: "not read yet",
		},
	}, l.list())
}

func TestChangeKeepsWhatIsAbsentOrNull(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	id := l.add(plain("one", "monitorBackups", false, "fingerprint", fingerprint))
	before := l.list()[0]
	target := func() config.Target {
		s, ok := l.monitor.Snapshot().Target(estate.TargetID(id))
		require.True(t, ok)
		return s.Config
	}
	kept := target()
	for _, body := range []string{
		`{}`,
		`{"name":null,"host":null,"user":null,"password":null,"tokenName":null,"tokenValue":null,"fingerprint":null,"verifySSL":null,"monitorVMs":null,"type":null}`,
		`{"type":"pve","name":"one","verifySSL":false,"password":"","unknown":{"field":1}}`,
		`{"name":""}`,
		`{"name":" "}`,
	} {
		answer := l.do("PUT", nodesPath+"/"+id, body)
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		require.JSONEq(t, `{"status":"success"}`, string(answer.body))
		require.Equal(t, before, l.list()[0])
		require.Equal(t, kept.Password.Reveal(), target().Password.Reveal())
	}
	answer := l.do("PUT", nodesPath+"/"+id, `{"name":"renamed","monitorVMs":false,"tokenName":"monitor@pve!t","tokenValue":"new-secret"}`)
	require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
	after := l.list()[0]
	want := before
	want.Name, want.MonitorVMs = "renamed", false
	want.User, want.HasPassword, want.TokenName, want.HasToken = "", false, "monitor@pve!t", true
	require.Equal(t, want, after)
	require.Equal(t, kept.Slug, target().Slug)
	require.Equal(t, "new-secret", target().TokenSecret.Reveal())

	l.do("PUT", nodesPath+"/"+id, `{"type":"pbs"}`).failure(t, 400)
	l.do("PUT", nodesPath+"/"+id, `{"host":""}`).failure(t, 400)
	l.do("PUT", nodesPath+"/pve-7", `{}`).failure(t, 404)
	require.Equal(t, after, l.list()[0])
}

const fingerprint = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"

func TestSendingBackWhatWasShownDoesNotWeakenTheCertificateCheck(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	body := plain("one")
	delete(body, "verifySSL")
	id := l.add(body)
	shown := l.list()[0]
	require.Equal(t, "auto", shown.VerifyMode)
	put := func(verify bool) string {
		answer := l.do("PUT", nodesPath+"/"+id, map[string]any{"verifySSL": verify})
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		return l.list()[0].VerifyMode
	}
	require.Equal(t, "auto", put(shown.VerifySSL))
	require.Equal(t, "off", put(false))
	require.Equal(t, "off", put(false))
	require.Equal(t, "system", put(true))
}

func TestVerifyModeChangesTheCertificateCheckEachWay(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	id := l.add(plain("one"))
	require.Equal(t, "pve-1", l.add(plain("two", "verifySSL", true, "verifyMode", "auto")))
	require.Equal(t, "auto", l.list()[1].VerifyMode, "verifyMode wins on a new node")
	for _, step := range []struct{ body, want string }{
		{body: `{"verifyMode":"auto"}`, want: "auto"},
		{body: `{"verifyMode":null}`, want: "auto"},
		{body: `{"verifyMode":"system"}`, want: "system"},
		{body: `{"verifyMode":"off","verifySSL":true}`, want: "off"},
		{body: `{"verifyMode":"auto","verifySSL":false}`, want: "auto"},
		{body: `{"verifyMode":"auto","verifySSL":true}`, want: "auto"},
		{body: `{"verifyMode":"auto","verifySSL":false,"name":"one"}`, want: "off"}, // the list, with one thing changed
	} {
		answer := l.do("PUT", nodesPath+"/"+id, step.body)
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		require.Equal(t, step.want, l.list()[0].VerifyMode, step.body)
	}
	for _, wrong := range []string{`"none"`, `""`, `true`, `"AUTO"`} {
		said := l.do("PUT", nodesPath+"/"+id, `{"verifyMode":`+wrong+`}`).failure(t, 400)
		require.Contains(t, said, "verifyMode", wrong)
	}
}

func TestManyTriesWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 2}, nil, func(l *lab) {
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeSlow(cluster.Name, cluster.Nodes[0].Name, 12*time.Second))
		statuses := make(chan int, 6)
		var tries sync.WaitGroup
		for range cap(statuses) {
			tries.Go(func() {
				statuses <- l.do("POST", nodesPath+"/test-connection", l.draft(0, sim.Auditor)).StatusCode
			})
		}
		tries.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		require.Equal(t, map[int]int{400: 4, 429: 2}, count)
	})
}

func TestDuplicatesAndDeclaredNodesAreConflicts(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.add(plain("one"))
	said := l.do("POST", nodesPath, plain("two", "host", "ONE.example.com:8006")).failure(t, 409)
	require.Contains(t, said, "one (pve-0)")
	require.Len(t, l.list(), 1)

	declared := newLab(t, nil)
	address, name, user := "https://decl.example.com", "decl", "monitor@pve"
	declared.open(pulse.Options{Declared: []config.Target{declaredTarget(name, address, user)}}, nil)
	require.Equal(t, "/etc/pulse/targets.yaml", declared.list()[0].Source)
	for method, body := range map[string]any{"PUT": `{"name":"x"}`, "DELETE": nil} {
		said := declared.do(method, nodesPath+"/pve-0", body).failure(t, 409)
		require.Contains(t, said, "/etc/pulse/targets.yaml")
	}
}

func declaredTarget(name, address, user string) config.Target {
	t := config.Target{
		ID: "pve", Name: name, Address: address, User: user, Password: config.NewSecret("dummy"),
		Collect: config.CollectAll(estate.PVE), Source: "/etc/pulse/targets.yaml",
	}
	t.Normalize()
	return t
}

func TestRemovedIDsAreNotGivenAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.add(plain("one"))
	l.add(plain("two"))
	answer := l.do("DELETE", nodesPath+"/pve-0", nil)
	require.Equal(t, 200, answer.StatusCode)
	require.JSONEq(t, `{"status":"success"}`, string(answer.body))
	require.Equal(t, "pve-1", l.list()[0].ID)
	require.Equal(t, "pve-2", l.add(plain("three")))
	l.do("DELETE", nodesPath+"/pve-0", nil).failure(t, 404)
}

func TestNodeStatusIsTheTruth(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 4, BackupServers: 1}, nil, func(l *lab) {
		l.watch()
		l.add(plain("nobody"))
		l.poll()
		nodes := l.list()
		require.Len(t, nodes, 3)
		require.Equal(t, "connected", nodes[0].Status, nodes[0].Error)
		require.NotNil(t, nodes[0].LastSuccess)
		require.NotEmpty(t, nodes[0].Version)
		require.True(t, nodes[0].IsCluster)
		require.Len(t, nodes[0].ClusterEndpoints, 3)
		for i, e := range nodes[0].ClusterEndpoints {
			require.Equal(t, "node/"+e.NodeName, e.NodeID)
			require.Equal(t, e.NodeName, e.Host)
			require.Equal(t, "https://"+e.IP+":8006", e.Address)
			require.Equal(t, l.estate.Clusters()[0].Nodes[i].Address, e.IP)
			require.True(t, e.Online)
			require.False(t, e.LastSeen.IsZero())
		}
		require.Equal(t, "disconnected", nodes[1].Status)
		require.Equal(t, "unreachable", nodes[1].Reason)
		require.NotEmpty(t, nodes[1].Error)
		require.Nil(t, nodes[1].LastSuccess)
		require.False(t, nodes[1].Pending)
		require.Equal(t, "connected", nodes[2].Status, nodes[2].Error)
		require.False(t, nodes[2].IsCluster)

		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.Unauthorized(cluster.Name, true))
		pass(20 * time.Second)
		l.poll()
		refused := l.list()[0]
		require.Equal(t, "disconnected", refused.Status)
		require.Equal(t, "unauthorized", refused.Reason)
		require.NotContains(t, fmt.Sprint(refused), cluster.Credentials[sim.Auditor].TokenSecret)
	})
}
