package proxmox

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// composed serves one of the replies that were composed from PBS's documented types.
func composed(t *testing.T, name string) *Client {
	t.Helper()
	return newClient(t, newServer(t, jsonReply(string(readReply(t, "pbs-composed/"+name+".json")))), forPBS)
}

func TestDatastoreUsage(t *testing.T) {
	t.Parallel()
	got, _, err := composed(t, "status_datastore_usage").DatastoreUsage(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Equal(t, DatastoreUsage{
		Name: "store1", TotalBytes: Some[int64](4000787030016), UsedBytes: Some[int64](1234567890123), AvailableBytes: Some[int64](2766219139893),
		MountStatus: "nonremovable", Backend: "filesystem", EstimatedFull: time.Unix(1829960000, 0).UTC(),
		HistoryStart: time.Unix(1792808000, 0).UTC(), HistoryStep: 30 * time.Minute,
		History: []Opt[float64]{Some(0.301), Some(0.302), {}, Some(0.305), Some(0.3085)},
		GC: GarbageCollection{
			Known: true, UPID: "UPID:pbs1:000004D2:00012345:00000007:6B03A140:garbage_collection:store1:root@pam:",
			IndexDataBytes: Some[int64](9876543210987), DiskBytes: Some[int64](1234567890123), DiskChunks: Some[int64](654321),
			RemovedBytes: Some[int64](4567890123), PendingBytes: Some[int64](123456789), RemovedBad: Some[int64](0), StillBad: Some[int64](2),
		},
	}, got[0])
	require.InDelta(t, 8.0, got[0].GC.DeduplicationFactor().Value, 0.01)
	require.Equal(t, DatastoreUsage{
		Name: "removable1", MountStatus: "notmounted", Backend: "filesystem", Error: "datastore 'removable1' is not mounted",
	}, got[1], "what cannot be read has no sizes")
	require.False(t, got[2].GC.DeduplicationFactor().Known, "never collected is not a factor of zero")
	require.True(t, got[3].EstimatedFull.IsZero(), "zero means that it is not filling up")
	require.Equal(t, "s3", got[3].Backend)
}

func TestDatastoreUsageOfALimitedUser(t *testing.T) {
	t.Parallel()
	got, _, err := composed(t, "status_datastore_usage_limited_user").DatastoreUsage(t.Context())
	require.NoError(t, err)
	require.Equal(t, []DatastoreUsage{{Name: "store1", MountStatus: "nonremovable", Backend: "filesystem"}}, got)
}

// TestNegativeSizesAreUnknown: PBS 2 says -1 when a datastore cannot be read.
func TestNegativeSizesAreUnknown(t *testing.T) {
	t.Parallel()
	c := newClient(t, newServer(t, jsonReply(`{"data":[{"store":"a","total":-1,"used":-1,"avail":-1,"error":"gone"}]}`)), forPBS)
	got, _, err := c.DatastoreUsage(t.Context())
	require.NoError(t, err)
	require.Equal(t, []DatastoreUsage{{Name: "a", Error: "gone"}}, got)
}

func TestDatastores(t *testing.T) {
	t.Parallel()
	got, _, err := composed(t, "admin_datastore").Datastores(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Datastore{
		{Name: "store1", Comment: "main", MountStatus: "nonremovable", Backend: "filesystem"},
		{Name: "maint", MaintenanceMode: "read-only", MaintenanceMessage: "moving disks", MountStatus: "nonremovable", Backend: "filesystem"},
		{Name: "removable1", MountStatus: "notmounted", Backend: "filesystem"},
	}, got)
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	got, _, err := composed(t, "admin_datastore_store1_namespace").Namespaces(t.Context(), "store1")
	require.NoError(t, err)
	require.Equal(t, []Namespace{{}, {Path: "prod"}, {Path: "prod/site-b", Comment: "Außenstelle"}}, got)
	_, _, err = composed(t, "ping").Namespaces(t.Context(), "../etc")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestHostStatus(t *testing.T) {
	t.Parallel()
	got, _, err := composed(t, "nodes_localhost_status").HostStatus(t.Context())
	require.NoError(t, err)
	require.Equal(t, HostStatus{
		UptimeSeconds: Some[int64](1234567), CPUFraction: Some(0.0312), WaitFraction: Some(0.0004),
		Load1: Some(0.12), Load5: Some(0.34), Load15: Some(0.05),
		CPU:           CPUModel{Model: "Intel(R) Xeon(R) E-2336 CPU @ 2.90GHz", Sockets: Some[int64](1), Logical: Some[int64](12)},
		Memory:        MemoryUse{TotalBytes: Some[int64](16726425600), UsedBytes: Some[int64](5012340736), FreeBytes: Some[int64](11714084864)},
		Swap:          MemoryUse{TotalBytes: Some[int64](0), UsedBytes: Some[int64](0), FreeBytes: Some[int64](0)},
		RootFS:        FilesystemUse{TotalBytes: Some[int64](100861726720), UsedBytes: Some[int64](7340032000), AvailableBytes: Some[int64](88351428608)},
		KernelRelease: "6.17.2-1-pve",
		Fingerprint:   mustFingerprint(t, "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f"),
	}, got)
}

func TestBackupServerTasks(t *testing.T) {
	t.Parallel()
	var query atomic.Value
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query.Store(r.URL.RawQuery)
		jsonReply(string(readReply(t, "pbs-composed/nodes_localhost_tasks.json")))(w, r)
	}))
	c := newClient(t, s, forPBS)
	got, _, err := c.Tasks(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, "limit=0", query.Load())
	require.Len(t, got, 7)
	require.Equal(t, Task{
		UPID: "UPID:pbs1:000004D2:00012345:00000007:6B03A140:backup:store1:vm/100:pve@pbs!pve1:", Node: "localhost", Kind: "backup",
		WorkerID: "store1:vm/100", User: "pve@pbs", TokenName: "pve1", Start: time.Unix(1795400000, 0).UTC(),
	}, got[0])
	outcomes := []Outcome{}
	for _, task := range got {
		outcomes = append(outcomes, task.Outcome())
	}
	require.Equal(t, []Outcome{OutcomeRunning, OutcomeOK, OutcomeWarning, OutcomeFailed, OutcomeOK, OutcomeUnknown, OutcomeOK}, outcomes)
	_, _, err = c.Tasks(t.Context(), time.Unix(1795400000, 5))
	require.NoError(t, err)
	require.Equal(t, "limit=0&since=1795400000", query.Load())
}

func TestBackupServerVersionAndPermissions(t *testing.T) {
	t.Parallel()
	v, _, err := composed(t, "version").Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "4.1.2", v.Version)
	c := newClient(t, newServer(t, jsonReply(`{"data":{"/":{"Sys.Audit":true,"Datastore.Audit":false}}}`)), forPBS)
	rights, _, err := c.Permissions(t.Context())
	require.NoError(t, err)
	require.True(t, rights.Allows("/system/status", "Sys.Audit"))
	require.False(t, rights.Allows("/datastore", "Datastore.Audit"), "it does not extend")
}
