package proxmox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func probe(t *testing.T, s *httptest.Server, change ...func(*Options)) (ProbeResult, *ProbeError) {
	t.Helper()
	opt := Options{Kind: PVE, Address: s.URL, Credential: testToken(), Trust: Trust{Fingerprint: fingerprintOf(s)}}
	for _, f := range change {
		f(&opt)
	}
	result, err := Probe(t.Context(), opt)
	if err == nil {
		return result, nil
	}
	var failure *ProbeError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, failure.Sentence, err.Error())
	require.NotContains(t, err.Error(), testSecret)
	require.NotContains(t, err.Error(), "\n")
	return result, failure
}

func TestProbeACluster(t *testing.T) {
	t.Parallel()
	s := newServer(t, fromRecordings(t, "cluster-member-down", "auditor-token", clusterExtras(t)))
	got, failure := probe(t, s)
	require.Nil(t, failure)
	require.Equal(t, s.URL, got.Address)
	require.Equal(t, "9.2.11", got.Version.Version)
	require.Equal(t, "labcluster", got.ClusterName)
	require.Equal(t, []ProbeNode{{"pve-a", true}, {"pve-b", true}, {"pve-c", false}}, got.Nodes)
	require.Equal(t, fingerprintOf(s), got.Fingerprint)
	require.Equal(t, TrustedByFingerprint, got.TrustedBy)
	require.Len(t, got.Learned.Members, 3)
	for _, a := range got.Abilities {
		require.Equal(t, a.Name != "backup-files", a.Granted, a.Name)
		require.Equal(t, a.Granted, a.Command == "", a.Name)
	}
	last := got.Abilities[len(got.Abilities)-1]
	require.Equal(t, "pveum role add PulseBackups --privs Datastore.Allocate; pveum acl modify /storage/STORAGE --roles PulseBackups --users 'monitor@pve' --tokens 'monitor@pve!pulse'", last.Command)
}

func TestProbeTakesShorterRepliesThanAClient(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"version":"9.2.11","x":"`+strings.Repeat("a", maxProbeReply)+`"}}`)
	}))
	_, failure := probe(t, s)
	require.NotNil(t, failure)
	require.ErrorIs(t, failure, ErrTooLarge)
	_, _, err := newClient(t, s).Version(t.Context())
	require.NoError(t, err)
}

func TestProbeABackupServer(t *testing.T) {
	t.Parallel()
	skew := 90 * time.Second
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
		body := `{"data":{"/datastore/store1":{"Datastore.Audit":true}}}`
		if strings.HasSuffix(r.URL.Path, "/version") {
			body = string(readReply(t, "pbs-composed/version.json"))
		}
		if strings.HasSuffix(r.URL.Path, "/admin/datastore") {
			body = string(readReply(t, "pbs-composed/admin_datastore.json"))
		}
		jsonReply(body)(w, r)
	}))
	got, failure := probe(t, s, forPBS, func(o *Options) { o.Trust = Trust{} })
	require.Nil(t, failure)
	require.Equal(t, "4.1.2", got.Version.Version)
	require.Equal(t, TrustedByPin, got.TrustedBy)
	require.Equal(t, []string{"maint", "removable1", "store1"}, got.Datastores)
	require.InDelta(t, skew.Seconds(), got.ClockSkew.Value.Seconds(), 2)
	require.Equal(t, []Ability{
		{Name: "host", Title: "Host status", Path: "/system/status", Privilege: "Sys.Audit", Command: grantPBS(testToken())},
		{Name: "datastores", Title: "Datastores and backups", Path: "/datastore", Privilege: "Datastore.Audit", Partial: true, Command: grantPBS(testToken())},
		{Name: "tasks", Title: "Tasks of all users", Path: "/system/tasks", Privilege: "Sys.Audit", Command: grantPBS(testToken())},
	}, got.Abilities)
	require.Equal(t, "proxmox-backup-manager acl update / Audit --auth-id 'monitor@pve' && proxmox-backup-manager acl update / Audit --auth-id 'monitor@pve!pulse'", grantPBS(testToken()))
}

// TestProbeBeforeVersion9: the guest agent takes a right that later versions do not know.
func TestProbeBeforeVersion9(t *testing.T) {
	t.Parallel()
	extras := clusterExtras(t)
	extras["/version"] = jsonReply(`{"data":{"version":"8.4.21","release":"8.4","repoid":"x"}}`)
	got, failure := probe(t, newServer(t, fromRecordings(t, "cluster-ok", "auditor-token", extras)), func(o *Options) {
		o.Credential = Credential{TokenID: "it's@pve!x", TokenSecret: testSecret}
	})
	require.Nil(t, failure)
	for _, a := range got.Abilities {
		if a.Name == "guest-agent" {
			require.False(t, a.Granted)
			require.Equal(t, "VM.Monitor", a.Privilege)
			require.Equal(t, `pveum role add PulseMonitor --privs VM.Monitor; pveum acl modify /vms --roles PulseMonitor --users 'it'\''s@pve' --tokens 'it'\''s@pve!x'`, a.Command)
		}
	}
}

func TestProbeFailures(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	})
	unauthorized := recording{Status: 401, Reason: "Authentication failed!", Headers: []string{"Server: pve-api-daemon/3.0"}}
	backupServer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/ping") {
			jsonReply(`{"data":{"pong":true}}`)(w, r)
			return
		}
		recording{Status: 401, Reason: "Unauthorized", Headers: []string{"Content-Type: application/json"}, body: []byte("authentication failed")}.ServeHTTP(w, r)
	})
	byUser := func(o *Options) { o.Credential = Credential{User: "root@pam", Password: testSecret} }
	auto := func(o *Options) { o.Trust = Trust{} }
	dial := func(err error) func(*Options) {
		return func(o *Options) {
			o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		}
	}
	noRights := map[string]http.Handler{"/version": jsonReply(versionBody)}
	tests := []struct {
		name    string
		handler http.Handler
		change  []func(*Options)
		stage   ProbeStage
		says    string
	}{
		{"bad address", page, []func(*Options){func(o *Options) { o.Address = "https://root:x@pve" }}, StageAddress, "Invalid address: credentials do not belong into it."},
		{"bad credential", page, []func(*Options){func(o *Options) { o.Credential.TokenID = "x" }}, StageCredentials, "Invalid credential: a token id looks like user@realm!name."},
		{"no such name", page, []func(*Options){dial(&net.DNSError{Name: "pve.lan", Err: "no such host"})}, StageDNS, "The name pve.lan cannot be resolved."},
		{"time-out", page, []func(*Options){dial(&net.OpError{Op: "dial", Err: context.DeadlineExceeded})}, StageTimeout, "did not answer in time."},
		{"no route", page, []func(*Options){dial(errors.New("no route to host"))}, StageConnect, "could be made: no route to host."},
		{"a page", page, nil, StageNotProxmox, "is not a Proxmox VE: a web page answered. Proxmox VE uses port 8006 unless it was changed."},
		{"a page at first contact", page, []func(*Options){auto}, StageNotProxmox, "is not a Proxmox VE"},
		{"wrong token", unauthorized, nil, StageCredentials, "refused the credentials: they are wrong, unknown or expired (it does not tell which)."},
		{"wrong password", unauthorized, []func(*Options){byUser}, StageCredentials, "wrong, unknown or expired"},
		{"second factor", jsonReply(`{"data":{"ticket":"PVE:!tfa!x","NeedTFA":1}}`), []func(*Options){byUser}, StageCredentials, "use an API token instead."},
		{"PBS for PVE", backupServer, nil, StageWrongKind, "A Proxmox Backup Server answers at "},
		{"PBS for PVE, user", backupServer, []func(*Options){byUser}, StageWrongKind, "where a Proxmox VE was expected."},
		{"PVE for PBS", unauthorized, []func(*Options){forPBS}, StageWrongKind, "A Proxmox VE answers at "},
		{"PVE for PBS at first contact", unauthorized, []func(*Options){forPBS, auto}, StageWrongKind, "where a Proxmox Backup Server was expected."},
		{"unverifiable", page, []func(*Options){func(o *Options) { o.Trust = Trust{Verify: VerifySystem} }}, StageTLS, "cannot be verified"},
		{"another fingerprint", page, []func(*Options){func(o *Options) { o.Trust.Fingerprint = Fingerprint{1} }}, StageTLS, "01:00:00"},
		{"no rights", fromRecordings(t, "standalone", "privsep-token-without-acl", noRights), nil, StagePrivilege, "they lack the role PVEAuditor on /. Run on the host: pveum acl modify / --roles PVEAuditor --users 'monitor@pve' --tokens 'monitor@pve!pulse'"},
		{"no rights, user", fromRecordings(t, "standalone", "privsep-token-without-acl", map[string]http.Handler{
			"/version": jsonReply(versionBody), "/access/ticket": jsonReply(`{"data":{"ticket":"PVE:root@pam:x"}}`),
		}), []func(*Options){byUser}, StagePrivilege, "Run on the host: pveum acl modify / --roles PVEAuditor --users 'root@pam'"},
		{"forbidden", recording{Status: 403, Reason: "Permission check failed (/, Sys.Audit)"}, nil, StagePrivilege, "lack Sys.Audit on /. Run on the host: pveum"},
		{"trouble", recording{Status: 500, Reason: "oh dear"}, nil, StageServer, "answered with an error: oh dear."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tt.handler)
			_, failure := probe(t, s, tt.change...)
			require.NotNil(t, failure)
			require.Contains(t, failure.Sentence, tt.says)
			require.Equal(t, tt.stage, failure.Stage)
			if tt.stage == StageTLS {
				require.Equal(t, fingerprintOf(s), failure.Offered)
			}
			if tt.stage == StagePrivilege {
				require.NotEmpty(t, failure.Privilege)
				require.NotEmpty(t, failure.Command)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, page)
		s.Close()
		_, failure := probe(t, s)
		require.Equal(t, StageRefused, failure.Stage)
		require.Contains(t, failure.Sentence, "nothing listens there. Proxmox VE uses port 8006")
	})
}

// TestProbeIsAboutTheAddressGiven: that another member would answer does not make it right.
func TestProbeIsAboutTheAddressGiven(t *testing.T) {
	t.Parallel()
	other := newServer(t, jsonReply(versionBody))
	s := newServer(t, jsonReply(versionBody))
	s.Close()
	_, failure := probe(t, s, func(o *Options) {
		o.Trust.Known = []Member{{Name: "b", Address: other.URL, Fingerprint: fingerprintOf(other)}}
	})
	require.NotNil(t, failure)
	require.Equal(t, StageRefused, failure.Stage)
}
