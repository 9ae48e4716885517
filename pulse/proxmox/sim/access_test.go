package sim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	c := b.clusterNamed("home")
	good := c.Credentials[sim.Auditor]
	for _, one := range []struct {
		name, header string
		status       int
		reason       string
	}{
		{"good", "PVEAPIToken=" + good.TokenID + "=" + good.TokenSecret, 200, "OK"},
		{"space instead of equals sign", "PVEAPIToken " + good.TokenID + "=" + good.TokenSecret, 200, "OK"},
		{"percent encoding", "PVEAPIToken=" + url.PathEscape(good.TokenID) + "=" + good.TokenSecret, 200, "OK"},
		{"wrong secret", "PVEAPIToken=" + good.TokenID + "=00000000-0000-0000-0000-000000000000", 401, "Authentication failed!"},
		{"unknown token", "PVEAPIToken=" + good.User + "!other=" + good.TokenSecret, 401, "Authentication failed!"},
		{"separator of PBS", "PVEAPIToken=" + good.TokenID + ":" + good.TokenSecret, 401, "Authentication failed!"},
		{"token of another cluster", token(b.clusterNamed("attic").Credentials[sim.Auditor]), 401, "Authentication failed!"},
		{"other scheme", "Bearer " + good.TokenSecret, 401, "No ticket"},
		{"nothing", "", 401, "No ticket"},
	} {
		t.Run(one.name, func(t *testing.T) {
			a := b.do(http.MethodGet, c.URL()+"/api2/json/version", one.header, "")
			require.Equal(t, one.status, a.StatusCode)
			require.Equal(t, one.reason, a.message())
			if one.status == 401 {
				require.Empty(t, a.body)
				require.Empty(t, a.Header.Get("Content-Type"))
			}
		})
	}
	require.NoError(t, b.Unauthorized("home", true))
	require.Equal(t, 401, b.get("home", sim.Auditor, "/version").StatusCode)
	require.NoError(t, b.Unauthorized("home", false))
	require.Equal(t, 200, b.get("home", sim.Auditor, "/version").StatusCode)
}

// login gets a ticket of a user.
func (b *bench) login(cluster string, role sim.Role) (ticket, csrf string) {
	b.Helper()
	c := b.clusterNamed(cluster)
	form := url.Values{"username": {c.Credentials[role].User}, "password": {c.Credentials[role].Password}}
	data := decode[row](b.T, b.do(http.MethodPost, c.URL()+"/api2/json/access/ticket", "", form.Encode()))
	return data["ticket"].(string), data["CSRFPreventionToken"].(string)
}

// withTicket sends a request with a cookie.
func (b *bench) withTicket(method, path, ticket, csrf string) answer {
	b.Helper()
	return b.do(method, b.clusterNamed("home").URL()+"/api2/json"+path, "", "", func(r *http.Request) {
		r.Header.Set("Cookie", "PVEAuthCookie="+url.QueryEscape(ticket))
		if csrf != "" {
			r.Header.Set("CSRFPreventionToken", csrf)
		}
	})
}

func TestTicketsExpireAndAreRenewed(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	c := b.clusterNamed("home")
	ticket, _ := b.login("home", sim.Auditor)
	require.True(t, strings.HasPrefix(ticket, "PVE:pulse@pve:"))
	require.Equal(t, 200, b.withTicket(http.MethodGet, "/version", ticket, "").StatusCode)
	require.Equal(t, 401, b.withTicket(http.MethodGet, "/version", ticket+"x", "").StatusCode)
	require.Equal(t, 401, b.withTicket(http.MethodGet, "/version", strings.Replace(ticket, "pulse@pve", "root@pam", 1), "").StatusCode)

	b.wait(119 * time.Minute)
	form := url.Values{"username": {"pulse@pve"}, "password": {ticket}}
	renewed := decode[row](t, b.do(http.MethodPost, c.URL()+"/api2/json/access/ticket", "", form.Encode()))["ticket"].(string)
	b.wait(2 * time.Minute)
	old := b.withTicket(http.MethodGet, "/version", ticket, "")
	require.Equal(t, 401, old.StatusCode)
	require.Equal(t, "Authentication failed!", old.message())
	require.Equal(t, 200, b.withTicket(http.MethodGet, "/version", renewed, "").StatusCode)
}

func TestLoginFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	c := b.clusterNamed("home")
	auditor := c.Credentials[sim.Auditor]
	post := func(body string, edit ...func(*http.Request)) answer {
		return b.do(http.MethodPost, c.URL()+"/api2/json/access/ticket", "", body, edit...)
	}
	recorded := func(name string) string {
		text, err := os.ReadFile("testdata/standalone/" + name + ".json")
		require.NoError(t, err)
		return string(text)
	}
	for _, body := range []string{
		"username=pulse@pve&password=wrong", "username=nobody@pve&password=x", "username=pulse&password=" + auditor.Password,
		"username=pulse@pve&password=", "username=pulse@pve&realm=pam&password=x",
	} {
		a := post(body)
		require.Equal(t, 401, a.StatusCode, body)
		require.Equal(t, "authentication failure", a.message())
		require.JSONEq(t, recorded("fail_login_bad_password__bad-password"), a.body)
	}
	missing := post("username=pulse@pve")
	require.Equal(t, 400, missing.StatusCode)
	require.JSONEq(t, recorded("fail_login_missing_password__missing-param"), missing.body)
	require.Equal(t, 200, post("username=pulse&realm=pve&password="+auditor.Password).StatusCode)
	body, err := json.Marshal(row{"username": auditor.User, "password": auditor.Password})
	require.NoError(t, err)
	require.Equal(t, 200, post(string(body), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }).StatusCode)
}

func TestWritingWithATicketNeedsTheForgeryToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	ticket, csrf := b.login("home", sim.Admin)
	const stop = "/nodes/alder/qemu/100/status/stop"
	for _, bad := range []string{"", "6B000000:nonsense", csrf + "x"} {
		a := b.withTicket(http.MethodPost, stop, ticket, bad)
		require.Equal(t, 401, a.StatusCode)
		require.Equal(t, "Permission denied - invalid csrf token", a.message())
		require.Empty(t, a.body)
	}
	require.Equal(t, 200, b.withTicket(http.MethodPost, stop, ticket, csrf).StatusCode)
}

func TestRightsFilterOrForbid(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	for _, c := range []struct {
		role   sim.Role
		path   string
		status int
		reason string
	}{
		{sim.Limited, "/cluster/status", 403, "Permission check failed (/, Sys.Audit)"},
		{sim.Limited, "/nodes/alder/status", 403, "Permission check failed (/nodes/alder, Sys.Audit)"},
		{sim.Limited, "/nodes/alder/qemu/101/status/current", 403, "Permission check failed (/vms/101, VM.Audit)"},
		{sim.Limited, "/nodes/alder/qemu/9999/status/current", 403, "Permission check failed (/vms/9999, VM.Audit)"},
		{sim.Limited, "/nodes/alder/qemu/100/agent/get-fsinfo", 403, "Permission check failed (/vms/100, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)"},
		{sim.Limited, "/nodes/alder/storage/nas/content", 403, "Permission check failed (/storage/nas, Datastore.Audit|Datastore.AllocateSpace)"},
		{sim.Limited, "/cluster/metrics/export", 403, "Permission check failed (/, Sys.Audit)"},
		{sim.Limited, "/nodes/alder/qemu/100/status/current", 200, "OK"},
		{sim.NoRights, "/nodes/alder/status", 403, "Permission check failed (/nodes/alder, Sys.Audit)"},
		{sim.NoRights, "/version", 200, "OK"},
	} {
		a := b.get("home", c.role, c.path)
		require.Equal(t, c.status, a.StatusCode, c.path)
		require.Equal(t, c.reason, a.message())
	}
	count := func(role sim.Role, path string) int { return len(decode[[]row](t, b.get("home", role, path))) }
	require.Equal(t, 4, count(sim.Limited, "/cluster/resources"), "one guest, three nodes")
	require.Equal(t, 3, count(sim.NoRights, "/cluster/resources"))
	require.Equal(t, 1, count(sim.Limited, "/nodes/alder/qemu"))
	require.Zero(t, count(sim.Limited, "/storage"))
	require.Zero(t, count(sim.Limited, "/cluster/tasks"))
	const backups = "/nodes/alder/storage/nas/content?content=backup"
	require.Zero(t, count(sim.Auditor, backups), "an auditor sees no backups, and that is no error")
	require.NotZero(t, count(sim.BackupReader, backups))
	require.Zero(t, count(sim.Auditor, "/nodes/alder/storage/local-lvm/content"), "disks need more than auditing")
}

func TestPermissionsTellTheRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	type rights = map[string]map[string]int
	require.Equal(t, rights{"/vms/100": {"VM.Audit": 1}}, decode[rights](t, b.get("home", sim.Limited, "/access/permissions")))
	require.Empty(t, decode[rights](t, b.get("home", sim.NoRights, "/access/permissions")))
	for role, name := range map[sim.Role]string{sim.Auditor: "auditor-token", sim.Admin: "root-ticket"} {
		text, err := os.ReadFile("testdata/standalone/access_permissions__" + name + ".json")
		require.NoError(t, err)
		var recorded struct{ Data rights }
		require.NoError(t, json.Unmarshal(text, &recorded))
		held := decode[rights](t, b.get("home", role, "/access/permissions"))
		require.Equal(t, recorded.Data["/"], held["/"])
		require.Equal(t, recorded.Data["/vms/100"], held["/vms/100"])
	}
	require.Contains(t, decode[rights](t, b.get("home", sim.BackupReader, "/access/permissions?path=/storage/nas"))["/storage/nas"], "Datastore.Allocate")
}

func TestRefusedLoginsAreDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.InMemory, cfg.AuthDelay = true, 3*time.Second
		estate, err := sim.New(cfg)
		require.NoError(t, err)
		began := time.Now()
		ask := func(authorization string) int {
			r := requestTo(t, estate.Clusters()[0].URL())
			r.Header.Set("Authorization", authorization)
			return roundTrip(t, estate, r).StatusCode
		}
		require.Equal(t, 200, ask(token(estate.Clusters()[0].Credentials[sim.Auditor])))
		require.Zero(t, time.Since(began))
		require.Equal(t, 401, ask("PVEAPIToken=a@pve!b=c"))
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}

func TestHungAndSlowMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.InMemory = true
		estate, err := sim.New(cfg)
		require.NoError(t, err)
		home := estate.Clusters()[0]
		ask := func(ctx context.Context, base, path string) (int, time.Duration, error) {
			began := time.Now()
			r := requestTo(t, base).WithContext(ctx)
			r.URL.Path = "/api2/json" + path
			r.Header.Set("Authorization", token(home.Credentials[sim.Auditor]))
			response, err := estate.RoundTrip(r)
			if err != nil {
				return 0, time.Since(began), err
			}
			return response.StatusCode, time.Since(began), response.Body.Close()
		}
		require.NoError(t, estate.NodeHang("home", "cedar", true))
		status, took, err := ask(t.Context(), home.URL(), "/nodes/cedar/status")
		require.NoError(t, err)
		require.Equal(t, 596, status)
		require.Equal(t, 30*time.Second, took)

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, took, err = ask(ctx, home.Nodes[2].URL, "/version")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, took)
		status, took, err = ask(t.Context(), home.URL(), "/cluster/resources")
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Zero(t, took, "the others do not wait")

		time.AfterFunc(10*time.Second, func() { _ = estate.NodeHang("home", "cedar", false) })
		status, took, err = ask(t.Context(), home.Nodes[2].URL, "/version")
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Equal(t, 10*time.Second, took, "what waited is answered")

		require.NoError(t, estate.NodeSlow("home", "cedar", 2*time.Second))
		for _, base := range []string{home.URL(), home.Nodes[2].URL} {
			status, took, err = ask(t.Context(), base, "/nodes/cedar/status")
			require.NoError(t, err)
			require.Equal(t, 200, status)
			require.Equal(t, 2*time.Second, took)
		}
		require.NoError(t, estate.PBSSlow("vault", time.Second))
		began := time.Now()
		require.Equal(t, 200, roundTrip(t, estate, func() *http.Request {
			r := requestTo(t, estate.BackupServers()[0].URL)
			r.URL.Path = "/api2/json/ping"
			return r
		}()).StatusCode)
		require.Equal(t, time.Second, time.Since(began))
	})
}
