package proxmox

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fromRecordings serves the recordings of a scenario as one user sees them; version and certificates, which few
// scenarios have, come from elsewhere.
func fromRecordings(t testing.TB, scenario, user string, more map[string]http.Handler) http.Handler {
	t.Helper()
	byPath := map[string]recording{}
	for _, r := range recordings(t) {
		if r.Scenario == scenario && r.User == user && r.Method == http.MethodGet {
			byPath["/api2/json"+r.Path] = r
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if h := more[strings.TrimPrefix(req.URL.Path, "/api2/json")]; h != nil {
			h.ServeHTTP(w, req)
			return
		}
		r, ok := byPath[req.URL.Path]
		if !ok {
			recording{Status: 501, Reason: "Method 'GET' not implemented", body: []byte(`{"data":null}`)}.ServeHTTP(w, req)
			return
		}
		r.ServeHTTP(w, req)
	})
}

func clusterExtras(t testing.TB) map[string]http.Handler {
	t.Helper()
	return map[string]http.Handler{
		"/version":                       jsonReply(versionBody),
		"/nodes/pve-a/certificates/info": jsonReply(string(readReply(t, "standalone/nodes_pve1_certificates_info__root-ticket.json"))),
		"/access/permissions":            jsonReply(string(readReply(t, "standalone/access_permissions__auditor-token.json"))),
	}
}

func mustFingerprint(t testing.TB, text string) Fingerprint {
	t.Helper()
	fp, err := ParseFingerprint(text)
	require.NoError(t, err)
	return fp
}

func TestLearnFromACluster(t *testing.T) {
	t.Parallel()
	s := newServer(t, fromRecordings(t, "cluster-ok", "auditor-token", clusterExtras(t)))
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	c := newClient(t, s)
	got, err := c.Learn(t.Context())
	require.NoError(t, err)
	require.Equal(t, got, c.Learned())
	require.False(t, got.At.IsZero())
	require.Equal(t, Version{Version: "9.2.11", Release: "9.2", RepoID: "14a22df35955d97d"}, got.Version)
	require.Equal(t, "labcluster", got.ClusterName)
	require.Equal(t, []Member{
		{"pve-a", "https://127.0.2.11:" + port, mustFingerprint(t, "4C:E4:59:1C:D6:F5:42:FC:55:68:D8:63:46:D5:14:A4:EB:E0:A2:84:B7:2D:A2:BF:CE:10:5F:74:23:CD:67:32")},
		{"pve-b", "https://127.0.2.12:" + port, mustFingerprint(t, "A7:88:50:8D:0C:C3:C0:42:D3:C5:C8:B5:68:D6:3A:5F:78:C4:CC:3F:26:D3:DD:A5:3D:6D:A9:C6:63:41:9D:6D")},
		{"pve-c", "https://127.0.2.13:" + port, mustFingerprint(t, "5D:44:B2:7F:0B:9C:3D:4A:02:4F:83:26:B6:FB:77:C4:D6:A3:34:3F:02:BA:25:11:D0:A5:56:2D:7A:D4:A6:13")},
	}, got.Members, "the configured port is kept")
	require.True(t, strings.HasPrefix(string(got.CA), "-----BEGIN CERTIFICATE-----\nMIIF3TCCA8WgAwIBAgIUXhUKqGzDA4HbSWP"))
	members := c.Members()
	require.Len(t, members, 4)
	require.Equal(t, "pve-a", members[0].Name, "which member the configured address is")
	for _, m := range members[1:] {
		require.Error(t, m.Err, "nothing listens there, and that was found out")
	}
	_, err = c.Learn(t.Context())
	require.NoError(t, err, "dead members do no harm")
}

// TestLearnedMembersStandBy: what one client learned lets the next one start while the configured member is down.
func TestLearnedMembersStandBy(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	serve := func(w http.ResponseWriter, r *http.Request) {}
	first := newHost(t, ca.issue(t, "pve-a"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r) }))
	_, port, err := net.SplitHostPort(first.Listener.Addr().String())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip("this host has only one loopback address")
	}
	second := newHostAt(t, listener, ca.issue(t, "pve-b"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r) }))
	pem, err := json.Marshal(string(ca.pem))
	require.NoError(t, err)
	replies := map[string]string{
		"/version":        versionBody,
		"/cluster/status": `{"data":[{"type":"cluster","name":"lab","quorate":1},{"type":"node","name":"pve-a","local":1,"online":1,"ip":"127.0.0.1"},{"type":"node","name":"pve-b","online":1,"ip":"127.0.0.2"}]}`,
		"/nodes": `{"data":[{"node":"pve-a","status":"online","ssl_fingerprint":"` + first.fingerprint().String() + `"},` +
			`{"node":"pve-b","status":"online","ssl_fingerprint":"` + second.fingerprint().String() + `"}]}`,
		"/nodes/pve-a/certificates/info": `{"data":[{"filename":"pve-root-ca.pem","pem":` + string(pem) + `}]}`,
	}
	serve = func(w http.ResponseWriter, r *http.Request) {
		jsonReply(replies[strings.TrimPrefix(r.URL.Path, "/api2/json")])(w, r)
	}
	c := trusting(t, first, Trust{Pinned: first.fingerprint()})
	learned, err := c.Learn(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(ca.pem), string(learned.CA))
	require.NoError(t, c.Members()[1].Err)
	require.False(t, c.Members()[1].LastOK.IsZero(), "members that answer a knock are known to do so")
	require.Zero(t, second.credentials.Load(), "a knock carries no credential")

	first.Close()
	accepted(t, c, TrustedByCluster)
	accepted(t, trusting(t, first, Trust{Pinned: Fingerprint{1}, Known: learned.Members, CA: learned.CA}), TrustedByCluster)
	second.cert.Store(ca.issue(t, "pve-b"))
	accepted(t, trusting(t, first, Trust{Pinned: Fingerprint{1}, Known: learned.Members, CA: learned.CA}), TrustedByCluster)
	second.cert.Store(newAuthority(t).issue(t, "pve-b"))
	_, _, err = trusting(t, first, Trust{Pinned: Fingerprint{1}, Known: learned.Members, CA: learned.CA}).Version(t.Context())
	require.ErrorIs(t, err, ErrRefused, "the configured address's failure is told")
}

func TestLearnFromASingleHost(t *testing.T) {
	t.Parallel()
	s := newServer(t, fromRecordings(t, "standalone", "root-ticket", nil))
	got, err := newClient(t, s).Learn(t.Context())
	require.NoError(t, err)
	require.Empty(t, got.ClusterName)
	require.Len(t, got.Members, 1)
	require.Equal(t, "pve1", got.Members[0].Name)
	require.True(t, strings.HasPrefix(got.Members[0].Address, "https://192.0.2.10:"))
	require.NotEmpty(t, got.CA)
}

// TestLearnWithFewRights: what is refused is left out.
func TestLearnWithFewRights(t *testing.T) {
	t.Parallel()
	s := newServer(t, fromRecordings(t, "cluster-ok", "limited-token", map[string]http.Handler{"/version": jsonReply(versionBody)}))
	c := newClient(t, s)
	got, err := c.Learn(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Members, 3)
	require.Empty(t, got.Members[0].Address)
	require.False(t, got.Members[0].Fingerprint.IsZero())
	require.Empty(t, got.CA)
	require.Len(t, c.Members(), 1, "a member without an address is no way in")
}

// TestLearnKeepsNoAuthorityOfAnUnverifiedConnection: whoever sits between could hand out his own.
func TestLearnKeepsNoAuthorityOfAnUnverifiedConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, fromRecordings(t, "standalone", "root-ticket", nil))
	got, err := newClient(t, s, func(o *Options) { o.Trust = Trust{Verify: VerifyOff} }).Learn(t.Context())
	require.NoError(t, err)
	require.Empty(t, got.CA)
}

func TestLearnFails(t *testing.T) {
	t.Parallel()
	for path, code := range map[string]int{"/version": 401, "/nodes": 401, "/cluster/status": 401} {
		extras := clusterExtras(t)
		extras[path] = recording{Status: code, Reason: "Authentication failed!"}
		c := newClient(t, newServer(t, fromRecordings(t, "cluster-ok", "auditor-token", extras)))
		_, err := c.Learn(t.Context())
		require.ErrorIs(t, err, ErrUnauthorized, path)
		require.True(t, c.Learned().At.IsZero())
	}
}

func TestLearnFromABackupServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, jsonReply(string(readReply(t, "pbs-composed/version.json"))))
	got, err := newClient(t, s, forPBS).Learn(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, got.Version.Major())
	require.Empty(t, got.Members)
}

func TestClusterStatusAndQuorum(t *testing.T) {
	t.Parallel()
	decode := func(body []byte) (out ClusterStatus) {
		require.NoError(t, decodeEnvelope(body, aList, func(s *scanner) { out = decodeClusterStatus(s) }))
		return out
	}
	got := decode(readReply(t, "cluster-member-down/cluster_status__auditor-token.json"))
	require.Equal(t, ClusterStatus{
		Clustered: true, Name: "labcluster", Quorate: Some(true), Members: []ClusterMember{
			{Name: "pve-b", NodeID: 2, IP: "127.0.2.12", Online: true},
			{Name: "pve-c", NodeID: 3, IP: "127.0.2.13"},
			{Name: "pve-a", NodeID: 1, IP: "127.0.2.11", Online: true, Local: true},
		},
	}, got)
	require.Equal(t, ClusterStatus{Members: []ClusterMember{{Name: "pve1", IP: "192.0.2.10", Online: true, Local: true}}},
		decode(readReply(t, "standalone/cluster_status__root-ticket.json")), "a single host is in no cluster and has no quorum to lose")
	require.Equal(t, Some(false), decode([]byte(`{"data":[{"type":"cluster","name":"x","quorate":"0"}]}`)).Quorate)
}

// TestLearnThroughAnotherMember: what that one calls local is not the configured address.
func TestLearnThroughAnotherMember(t *testing.T) {
	t.Parallel()
	replies := map[string]string{
		"/version":                       versionBody,
		"/cluster/status":                `{"data":[{"type":"cluster","name":"lab"},{"type":"node","name":"pve-b","local":1,"ip":"192.0.2.12"},{"type":"node","name":"pve-c","ip":"2001:db8::3"}]}`,
		"/nodes":                         `{"data":[{"node":"pve-b"},{"node":"pve-c"}]}`,
		"/nodes/pve-b/certificates/info": `{"data":[]}`,
	}
	c := inProcess(t, func(member string, req *http.Request) (*http.Response, error) {
		if member != memberB {
			return nil, syscall.ECONNREFUSED
		}
		return respond(req, jsonReply(replies[strings.TrimPrefix(req.URL.Path, "/api2/json")])), nil
	}, func(o *Options) { o.Trust.Known = knownMembers() })
	learned, err := c.Learn(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Member{{Name: "pve-b", Address: memberB}, {Name: "pve-c", Address: "https://[2001:db8::3]:8006"}}, learned.Members)
	require.Empty(t, c.Members()[0].Name)
	require.True(t, c.Members()[1].Active)
}
