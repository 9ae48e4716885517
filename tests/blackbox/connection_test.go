package blackbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

const testConnection = "/api/config/nodes/test-connection"

// trial is a node that cannot be used, and what is said about it.
type trial struct {
	name  string
	draft map[string]any
	stage string   // what failed
	says  []string // in the one sentence
	list  []string // in the list of nodes, once it is added
}

// trials are all ways in which a node of the estate can be described wrongly.
func (s *site) trials() []trial {
	s.t.Helper()
	c, b := s.sim.Estate.Clusters[0], s.sim.Estate.BackupServers[0]
	auditor, bare := c.Credentials[sim.Auditor], c.Credentials[sim.NoRights]
	good := withToken("pve", "", c.URL(), auditor)
	page := s.webServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html><title>Router</title></html>")) // a client that is gone needs no page
	}))
	redirect := s.webServer(http.RedirectHandler(c.URL(), http.StatusFound))
	wrong := []string{"wrong", "unknown", "expired"}
	return []trial{
		{"wrong password", with(withPassword("pve", "", c.URL(), auditor), "password", "not-the-one"), "credentials", wrong, wrong},
		{"unknown user", with(withPassword("pve", "", c.URL(), auditor), "user", "nobody@pve"), "credentials", wrong, wrong},
		{"wrong token", with(good, "tokenValue", "12345678-0000-0000-0000-123456789abc"), "credentials", wrong, wrong},
		{"unknown token", with(good, "tokenName", "pulse@pve!gone"), "credentials", wrong, wrong},
		{"wrong token of a backup server", withToken("pbs", "", b.URL, auditor), "credentials", wrong, wrong},
		{"wrong port", with(good, "host", "https://"+c.Nodes[0].Address+":1"), "refused", []string{"refused", "port 8006"}, []string{"nothing listens there"}},
		{"no such name", with(good, "host", "https://proxmox.invalid:8006"), "dns", []string{"proxmox.invalid", "cannot be resolved"}, []string{"cannot be resolved"}},
		{"a web page", with(good, "host", page), "not-proxmox", []string{"is not a Proxmox VE", page}, []string{"not"}},
		{"a redirect", with(good, "host", redirect), "not-proxmox", []string{"is not a Proxmox VE", redirect}, []string{"not"}},
		{"a backup server", withToken("pve", "", b.URL, b.Credentials[sim.Auditor]), "wrong-kind", []string{"A Proxmox Backup Server answers", "where a Proxmox VE was expected"}, nil},
		{"a cluster", withToken("pbs", "", c.URL(), auditor), "wrong-kind", []string{"A Proxmox VE answers", "where a Proxmox Backup Server was expected"}, []string{"Proxmox"}},
		{"another certificate", with(good, "fingerprint", strings.Repeat("AB:", 31)+"AB"), "tls", []string{c.Nodes[0].Fingerprint, "replaced"}, []string{c.Nodes[0].Fingerprint}},
		{"no authority", with(good, "verifySSL", true), "tls", []string{c.Nodes[0].Fingerprint, "cannot be verified"}, []string{"cannot be verified"}},
		{"no rights", withToken("pve", "", c.URL(), bare), "privilege", []string{"PVEAuditor", "pveum acl modify / ", bare.TokenID}, []string{"pveum acl modify / ", bare.TokenID}},
		{"no rights on a backup server", withToken("pbs", "", b.URL, b.Credentials[sim.NoRights]), "privilege", []string{"proxmox-backup-manager acl update"}, []string{"proxmox-backup-manager acl update"}},
	}
}

// webServer serves HTTPS that is not Proxmox's.
func (s *site) webServer(handler http.Handler) string {
	server := httptest.NewTLSServer(handler)
	server.Config.ErrorLog = nil
	s.t.Cleanup(server.Close)
	return server.URL
}

func TestConnectionTestSaysWhatFailed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "6", "-pbs", "1")
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	for _, tt := range s.trials() {
		t.Run(tt.name, func(t *testing.T) { s.on(t).failsToTry(p, tt) })
	}
	require.Empty(t, s.nodes(p), "a test stores nothing")
}

// failsToTry holds the connection test of a trial to what it must say.
func (s *site) failsToTry(p *lab.Pulse, tt trial) {
	s.t.Helper()
	t := s.t
	reply := s.ask(p, http.MethodPost, testConnection, tt.draft)
	require.Equalf(t, http.StatusBadRequest, reply.Status, "%s: %s", tt.name, reply.Body)
	sentence := errorOf(t, tt.name, reply)
	isOneSentence(t, tt.name, sentence)
	for _, word := range tt.says {
		require.Contains(t, sentence, word, tt.name)
	}
	var failed struct {
		Status  string
		Failure struct{ Stage, OfferedFingerprint, Command string }
	}
	require.NoError(t, reply.JSON(&failed))
	require.Equal(t, [2]string{"error", tt.stage}, [2]string{failed.Status, failed.Failure.Stage}, tt.name)
	require.Equal(t, tt.stage == "tls", failed.Failure.OfferedFingerprint != "", tt.name)
	require.Equal(t, tt.stage == "privilege", failed.Failure.Command != "", tt.name)

	older := s.ask(p, http.MethodPost, "/api/config/nodes/test-config", tt.draft)
	var outcome struct{ Status, Message string }
	require.Equal(t, http.StatusOK, older.Status, tt.name)
	require.NoError(t, older.JSON(&outcome))
	require.Equal(t, "error", outcome.Status, tt.name)
	require.Equal(t, sentence, outcome.Message, tt.name)
}

func TestListOfNodesTellsTheTruth(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "6", "-pbs", "1")
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	for _, tt := range s.trials() {
		t.Run(tt.name, func(t *testing.T) { s.on(t).isListedTruly(p, tt) })
	}
}

// isListedTruly holds what the list says about a trial that was added.
func (s *site) isListedTruly(p *lab.Pulse, tt trial) {
	s.t.Helper()
	t := s.t
	id := s.add(p, with(tt.draft, "name", tt.name))
	found := s.awaitNode(p, id, "the reason of "+tt.name, func(n node) error {
		if n.Pending || n.Error == "" {
			return fmt.Errorf("pending %t, error %q", n.Pending, n.Error)
		}
		return nil
	})
	require.Equal(t, "disconnected", found.Status, "%s: %s", tt.name, found.Error)
	require.NotEmpty(t, found.Reason, tt.name)
	isOneSentence(t, tt.name, found.Error)
	for _, word := range tt.list {
		require.Contains(t, found.Error, word, tt.name)
	}
	tested := s.ask(p, http.MethodPost, "/api/config/nodes/"+id+"/test", map[string]any{})
	require.Equal(t, http.StatusOK, tested.Status, tt.name)
	require.Contains(t, string(tested.Body), `"status":"error"`, tt.name)
	require.Equal(t, http.StatusOK, s.ask(p, http.MethodDelete, "/api/config/nodes/"+id, nil).Status)
}

// isOneSentence holds a message for people to be one: a line that begins with a capital or an address, and does not
// repeat itself.
func isOneSentence(t *testing.T, name, text string) {
	t.Helper()
	require.NotContains(t, text, "\n", name)
	require.NotContains(t, text, "%!", name)
	require.NotContains(t, text, "error:", name)
	require.Greater(t, len(text), 20, name)
	require.Less(t, len(text), 500, name)
	require.NotRegexp(t, `^[a-z]`, strings.TrimPrefix(text, "https://"+firstWord(text)), name)
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(text, "https://"), " ")
	return word
}

// A credential with few rights works for what it may see, and both the test and the list say what it does not.
func TestFewRightsAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "6")
	c := s.sim.Estate.Clusters[0]
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	limited := withToken("pve", "few", c.URL(), c.Credentials[sim.Limited])
	reply := s.ask(p, http.MethodPost, testConnection, limited)
	require.Equal(t, http.StatusOK, reply.Status, string(reply.Body))
	var found struct {
		Abilities []struct {
			Name, Command string
			Granted       bool
		}
	}
	require.NoError(t, reply.JSON(&found))
	missing := 0
	for _, a := range found.Abilities {
		require.Equal(t, a.Granted, a.Command == "", a.Name)
		if !a.Granted {
			require.Contains(t, a.Command, "pveum acl modify", a.Name)
			missing++
		}
	}
	require.Positive(t, missing)

	id := s.add(p, limited)
	s.await(p, "the one guest that it may see", func(st state) error {
		if len(st.guests()) != 1 {
			return fmt.Errorf("%d guests", len(st.guests()))
		}
		return nil
	})
	n := s.awaitNode(p, id, "its status", func(n node) error {
		if n.Pending {
			return fmt.Errorf("pending")
		}
		return nil
	})
	require.NotEqual(t, "disconnected", n.Status)
}

// Credentials that stop to work are told, and given again they work again.
func TestCredentialsThatExpireAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "6", "-tick", "1s")
	c := s.sim.Estate.Clusters[0]
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	s.every(p, 2)
	id := s.add(p, withToken("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	s.awaitNode(p, id, "the connection", isStatus("connected"))
	s.fault(sim.Order{Fault: "unauthorized", Cluster: c.Name})
	n := s.awaitNode(p, id, "the refusal", isStatus("disconnected"))
	require.Equal(t, "unauthorized", n.Reason)
	require.Contains(t, n.Error, "expired")
	require.Len(t, s.state(p).guests(), 6, "what was known is not dropped")
	require.False(t, s.state(p).ConnectionHealth["prod"])

	s.fault(sim.Order{Fault: "unauthorized", Cluster: c.Name, Off: true})
	reply := s.ask(p, http.MethodPut, "/api/config/nodes/"+id, withPassword("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	require.Equal(t, http.StatusOK, reply.Status, string(reply.Body))
	n = s.awaitNode(p, id, "the connection", isStatus("connected"))
	require.True(t, n.HasPassword)
	require.False(t, n.HasToken)
}

func isStatus(want string) func(node) error {
	return func(n node) error {
		if n.Status != want {
			return fmt.Errorf("it is %s: %s", n.Status, n.Error)
		}
		return nil
	}
}

// Addresses that Pulse must never reach are refused, whatever they are asked for.
func TestLinkLocalAddressesAreNeverReached(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "1", "-guests", "1")
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	c := s.sim.Estate.Clusters[0]
	for _, host := range []string{
		"169.254.169.254", "http://169.254.169.254", "https://[fe80::1]:8006", "https://[::ffff:169.254.169.254]:8006",
		"https://0.0.0.0:8006", "https://[fd00:ec2::254]:8006",
	} {
		draft := withToken("pve", "", host, c.Credentials[sim.Auditor])
		reply := s.ask(p, http.MethodPost, testConnection, draft)
		require.Equalf(t, http.StatusBadRequest, reply.Status, "%s: %s", host, reply.Body)
		require.NotContains(t, string(reply.Body), "refused: nothing listens", host)
		require.NotContains(t, string(reply.Body), "in time", host)
	}
}
