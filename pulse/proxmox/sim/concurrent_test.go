package sim_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// TestFaultsWhileServing lets events and requests meet; the race detector and
// the closing check are what it is for.
func TestFaultsWhileServing(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	var workers sync.WaitGroup
	home, vault := b.clusterNamed("home"), b.BackupServers()[0]
	ask := func(base, path, authorization string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api2/json"+path, nil)
		if err != nil {
			return
		}
		r.Header.Set("Authorization", authorization)
		response, err := b.RoundTrip(r)
		if err == nil {
			_ = response.Body.Close()
		}
	}
	for range 4 {
		workers.Go(func() {
			for range 30 {
				for _, n := range home.Nodes {
					ask(n.URL, "/cluster/resources", token(home.Credentials[sim.Auditor]))
					ask(n.URL, "/nodes/cedar/qemu/108/status/current", token(home.Credentials[sim.Auditor]))
					ask(n.URL, "/cluster/tasks", token(home.Credentials[sim.Limited]))
				}
				ask(vault.URL, "/admin/datastore/main/groups?ns=home", pbsToken(vault.Credentials[sim.Auditor]))
				b.wait(3 * time.Second)
				_ = b.Describe()
				_ = b.Requests("home")
			}
		})
	}
	workers.Go(func() {
		for range 20 {
			_ = b.NodeDown("home", "cedar")
			_ = b.StopGuest("home", 100)
			_ = b.MigrateGuest("home", 101, "birch")
			_ = b.AddBackup("home", 102)
			_ = b.NodeUp("home", "cedar")
			_ = b.RenewCertificate("home", "alder")
			_ = b.StartGuest("home", 100)
			_ = b.MigrateGuest("home", 101, "alder")
			_ = b.RecreateGuest("home", 113)
			_ = b.QuorumLost("home", true)
			_ = b.QuorumLost("home", false)
		}
	})
	workers.Wait()
	b.tick()
	require.Equal(t, "running", b.resource("home", "qemu/100")["status"])
	require.Equal(t, "alder", b.resource("home", "qemu/101")["node"])
}

// FuzzRequest sends anything to both kinds of server: no panic, always a reply,
// and never more than 401 without a credential.
func FuzzRequest(f *testing.F) {
	cfg := demo()
	cfg.InMemory = true
	estate, err := sim.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	cluster, server := estate.Clusters()[0], estate.BackupServers()[0]
	f.Add("GET", "/api2/json/cluster/resources?type=vm", "PVEAPIToken=pulse@pve!monitor=x", "PVE:a@pve:0::x", "")
	f.Add("POST", "/api2/json/access/ticket", "PBSAPIToken a@pbs!b:c", "", "username=a&password=b")
	f.Add("POST", "/api2/json/nodes/alder/qemu/100/status/stop", "PVEAPIToken", "PVE:::", `{"a":1}`)
	f.Add("GET", "/api2/json/nodes/alder/tasks/UPID:alder:1:2:3:x:y:z:/log?limit=-1&start=9999999999999999999", "", "%zz", "")
	f.Add("GET", "/api2/json/nodes/alder/storage/nas/content?vmid=1&content=backup", "", "", "")
	f.Add("HEAD", "/", "Bearer x", "", "")
	f.Fuzz(func(t *testing.T, method, path, authorization, ticket, body string) {
		for _, base := range []string{cluster.URL(), server.URL} {
			r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
			if err != nil || r.URL.Host != strings.TrimPrefix(base, "https://") {
				return
			}
			r.Header.Set("Authorization", authorization)
			r.Header.Set("Cookie", "PVEAuthCookie="+ticket+"; PBSAuthCookie="+ticket)
			response, err := estate.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			_ = response.Body.Close()
			open := strings.Contains(path, "/access/") || strings.Contains(path, "/ping") || !strings.HasPrefix(r.URL.Path, "/api2/json")
			if !open && response.StatusCode < 400 {
				t.Fatalf("%s %s answered %d without a credential", method, path, response.StatusCode)
			}
			admin := r.Clone(t.Context())
			admin.Body = http.NoBody
			admin.Header.Del("Cookie")
			admin.Header.Set("Authorization", token(cluster.Credentials[sim.Admin]))
			if base == server.URL {
				admin.Header.Set("Authorization", pbsToken(server.Credentials[sim.Admin]))
			}
			response, err = estate.RoundTrip(admin)
			if err != nil {
				t.Fatalf("%s %s as root: %v", method, path, err)
			}
			_ = response.Body.Close()
		}
	})
}
