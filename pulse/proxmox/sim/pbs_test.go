package sim_test

import (
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// askingPBS sends GET requests for paths to the backup server.
func askingPBS(role sim.Role, paths ...string) func(*bench) []answer {
	return func(b *bench) []answer {
		var out []answer
		for _, path := range paths {
			out = append(out, b.pbs(role, path))
		}
		return out
	}
}

// backupShapes compare with replies composed from the documented schema of PBS.
func backupShapes() []shapeCase {
	of := func(names ...string) []string { return recordings("pbs-composed", names...) }
	return []shapeCase{
		{name: "PBS ping", ask: askingPBS(sim.NoRights, "/ping"), recorded: of("ping")},
		{name: "PBS version", ask: askingPBS(sim.NoRights, "/version"), recorded: of("version")},
		{name: "PBS node status", ask: askingPBS(sim.Auditor, "/nodes/localhost/status"), recorded: of("nodes_localhost_status")},
		{name: "PBS usage", recorded: of("status_datastore_usage", "status_datastore_usage_limited_user"), ask: func(b *bench) []answer {
			before := b.pbs(sim.Auditor, "/status/datastore-usage")
			require.NoError(b, b.DatastoreMaintenance("vault", "main", "type=offline,message=moving"))
			return []answer{before, b.pbs(sim.Auditor, "/status/datastore-usage")}
		}},
		{name: "PBS datastores", recorded: of("admin_datastore"), ask: func(b *bench) []answer {
			require.NoError(b, b.DatastoreMaintenance("vault", "main", "type=read-only,message=moving"))
			return []answer{b.pbs(sim.Auditor, "/admin/datastore")}
		}},
		{
			name: "PBS datastore status", recorded: of("admin_datastore_store1_status"),
			ask: askingPBS(sim.Auditor, "/admin/datastore/main/status?verbose=1"),
		},
		{name: "PBS namespaces", ask: askingPBS(sim.Auditor, "/admin/datastore/main/namespace"), recorded: of("admin_datastore_store1_namespace")},
		{
			name: "PBS groups", recorded: of("admin_datastore_store1_groups"),
			ask: askingPBS(sim.Auditor, "/admin/datastore/main/groups?ns=home", "/admin/datastore/offsite/groups"),
		},
		{
			name: "PBS snapshots", recorded: of("admin_datastore_store1_snapshots"),
			ask: askingPBS(sim.Auditor, "/admin/datastore/main/snapshots?ns=home", "/admin/datastore/offsite/snapshots"),
		},
		{name: "PBS collections", ask: askingPBS(sim.Auditor, "/admin/gc"), recorded: of("admin_gc"), allowed: []string{
			// A store that was never collected has no last run.
			".data[].duration was always recorded and is missing",
			".data[].upid is null, recorded [string]",
		}},
		{name: "PBS verification", ask: askingPBS(sim.Auditor, "/admin/verify"), recorded: of("admin_verify")},
		{name: "PBS prune", ask: askingPBS(sim.Auditor, "/admin/prune"), recorded: of("admin_prune")},
		{name: "PBS sync", ask: askingPBS(sim.Admin, "/admin/sync"), recorded: of("admin_sync"), allowed: []string{
			// A job that never ran tells no last run.
			".data[].last-run-endtime was always recorded and is missing", ".data[].last-run-state was always recorded and is missing",
			".data[].last-run-upid was always recorded and is missing", ".data[].rate-in was always recorded and is missing",
		}},
		{name: "PBS tasks", ask: askingPBS(sim.Auditor, "/nodes/localhost/tasks"), recorded: of("nodes_localhost_tasks")},
	}
}

func TestPBSRefusesWithPlainText(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	s := b.BackupServers()[0]
	auditor := s.Credentials[sim.Auditor]
	get := func(path, authorization string) answer {
		return b.do(http.MethodGet, s.URL+"/api2/json"+path, authorization, "")
	}
	for _, c := range []struct {
		name, path, authorization string
		status                    int
		body                      string
	}{
		{"no credential", "/version", "", 401, "authentication failed"},
		{"wrong secret", "/version", "PBSAPIToken=" + auditor.TokenID + ":nonsense", 401, "authentication failed"},
		{"separator of PVE", "/version", "PBSAPIToken=" + auditor.TokenID + "=" + auditor.TokenSecret, 401, "authentication failed"},
		{"no right", "/nodes/localhost/status", pbsToken(s.Credentials[sim.NoRights]), 403, "permission check failed"},
		{"unknown path", "/nope", pbsToken(auditor), 404, "Path '/nope' not found."},
		{"unknown store", "/admin/datastore/nope/groups", pbsToken(auditor), 400, "no such datastore 'nope'"},
		{"space instead of equals sign", "/version", "PBSAPIToken " + auditor.TokenID + ":" + auditor.TokenSecret, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := get(c.path, c.authorization)
			require.Equal(t, c.status, a.StatusCode)
			require.Equal(t, "application/json;charset=UTF-8", a.Header.Get("Content-Type"))
			if c.status != 200 {
				require.Equal(t, c.body, a.body)
			}
		})
	}
}

func TestPBSListsWhatTheTokenMaySee(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.Len(t, decode[[]row](t, b.pbs(sim.Auditor, "/admin/datastore")), 2)
	require.Empty(t, decode[[]row](t, b.pbs(sim.NoRights, "/admin/datastore")))
	limited := decode[[]row](t, b.pbs(sim.Limited, "/admin/datastore"))
	require.Len(t, limited, 1)
	require.Equal(t, "offsite", limited[0]["store"])
	require.Equal(t, map[string]map[string]bool{"/datastore/offsite": {"Datastore.Audit": true}},
		decode[map[string]map[string]bool](t, b.pbs(sim.Limited, "/access/permissions")))
	require.Empty(t, decode[[]row](t, b.pbs(sim.BackupReader, "/nodes/localhost/tasks")))
	require.Empty(t, decode[[]row](t, b.pbs(sim.Auditor, "/admin/sync")), "needs Remote.Audit")
}

func TestPBSCompressesWithDeflateOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	s := b.BackupServers()[0]
	accept := func(coding string) answer {
		return b.do(http.MethodGet, s.URL+"/api2/json/status/datastore-usage", pbsToken(s.Credentials[sim.Auditor]), "",
			func(r *http.Request) { r.Header.Set("Accept-Encoding", coding) })
	}
	plain := accept("gzip")
	require.Empty(t, plain.Header.Get("Content-Encoding"))
	packed := accept("gzip, deflate")
	require.Equal(t, "deflate", packed.Header.Get("Content-Encoding"))
	unpacked, err := zlib.NewReader(strings.NewReader(packed.body))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	require.Equal(t, plain.body, string(text))
}

func TestPBSTicketWorksUntilItExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	s := b.BackupServers()[0]
	cred := s.Credentials[sim.Auditor]
	login := b.do(http.MethodPost, s.URL+"/api2/json/access/ticket", "", "username="+cred.User+"&password="+cred.Password)
	ticket := decode[row](t, login)["ticket"].(string)
	version := func() int {
		return b.do(http.MethodGet, s.URL+"/api2/json/version", "", "", func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "PBSAuthCookie", Value: ticket})
		}).StatusCode
	}
	require.Equal(t, 200, version())
	b.wait(2*time.Hour + time.Second)
	require.Equal(t, 401, version())
}

func TestBackupAppearsEverywhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	count := func() float64 {
		for _, g := range decode[[]row](t, b.pbs(sim.Auditor, "/admin/datastore/main/groups?ns=home")) {
			if g["backup-id"] == "101" {
				return g["backup-count"].(float64)
			}
		}
		return 0
	}
	before := count()
	require.Equal(t, 8.0, before)
	b.wait(time.Minute)
	require.NoError(t, b.AddBackup("home", 101))
	require.Equal(t, before+1, count())
	tasks := decode[[]row](t, b.pbs(sim.Auditor, "/nodes/localhost/tasks?limit=1"))
	require.Equal(t, "main:vm/101", tasks[0]["worker_id"])
	volumes := decode[[]row](t, b.get("home", sim.BackupReader, "/nodes/alder/storage/pbs/content?content=backup&vmid=101"))
	require.Len(t, volumes, int(before)+1)
	require.Equal(t, "pbs:backup/vm/101/2026-03-04T12:01:00Z", volumes[0]["volid"])
	require.Equal(t, "vzdump", decode[[]row](t, b.get("home", sim.Auditor, "/cluster/tasks"))[0]["type"])
}

func TestPBSTaskListStopsAtSince(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.wait(time.Minute)
	require.NoError(t, b.AddBackup("home", 102))
	tasks := decode[[]row](t, b.pbs(sim.Auditor, "/nodes/localhost/tasks?limit=0&since=1772625600"))
	require.Len(t, tasks, 1, "only the task since 12:00")
}

func TestDatastoreInMaintenance(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.DatastoreMaintenance("vault", "main", "type=offline,message=moving disks"))
	a := b.pbs(sim.Auditor, "/admin/datastore/main/groups")
	require.Equal(t, 400, a.StatusCode)
	require.Equal(t, "offline maintenance mode: moving disks", a.body)
	require.ErrorIs(t, b.DatastoreMaintenance("vault", "nope", ""), sim.ErrUnknown)
}
