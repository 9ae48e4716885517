package collect

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// newServerWalk is a walk over the simulated backup server.
func newServerWalk(t *testing.T, role sim.Role) (*walk, sim.BackupServerInfo) {
	t.Helper()
	e, err := sim.New(sim.Config{Seed: 20, BackupServers: 1, BackupsPerGuest: 1, InMemory: true})
	require.NoError(t, err)
	server := e.BackupServers()[0]
	return &walk{
		t: t, estate: e, cluster: sim.ClusterInfo{Name: server.Name},
		collector: newTestCollector(t, e, proxmox.PBS, server.URL, server.Credentials[role]),
	}, server
}

func TestServerFirstPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, info := newServerWalk(t, sim.Auditor)
		obs := w.pass()
		require.Empty(t, obs.Poll.Reason, obs.Poll.Error)
		require.Empty(t, obs.Poll.Degraded)
		require.Empty(t, obs.Permissions.Missing)
		require.NotNil(t, obs.Server)
		require.NotEmpty(t, obs.Server.Version)
		require.True(t, obs.Server.CPUFraction.Known())
		require.Len(t, obs.Server.Datastores, len(info.Datastores))
		for _, s := range obs.Server.Datastores {
			require.True(t, s.TotalBytes.Known(), s.Name)
		}
		w.run(time.Minute)
		for _, s := range w.obs.Server.Datastores {
			require.NotEmpty(t, s.Namespaces, s.Name)
			require.Empty(t, s.Namespaces[0].Path, "the root comes first")
		}
	})
}

func TestServerSteadyState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := newServerWalk(t, sim.Auditor)
		w.pass()
		w.run(5 * time.Minute)
		w.estate.ForgetRequests()
		horizon := estate.HorizonFor(testInterval)
		const cycles = 360
		for range cycles {
			time.Sleep(testInterval)
			w.pass()
			for _, s := range w.obs.Server.Datastores {
				require.Equal(t, estate.Live, horizon.Judge(s.Seen, time.Now()))
			}
		}
		total, byPath := w.requests()
		require.Equal(t, cycles, byPath["GET /nodes/localhost/status"])
		require.Less(t, total-cycles, cycles*2/3, "%v", byPath)
	})
}

func TestServerTokenWithDatastoreRightsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, info := newServerWalk(t, sim.BackupReader)
		w.pass()
		w.run(time.Minute)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Len(t, w.obs.Server.Datastores, len(info.Datastores))
		require.Contains(t, w.obs.Poll.Degraded, "Sys.Audit on /system/status")
		require.Len(t, w.obs.Permissions.Missing, 1)
		id := info.Credentials[sim.BackupReader].TokenID
		require.Contains(t, w.obs.Permissions.Missing[0].Fix, "proxmox-backup-manager acl update / Audit --auth-id '")
		require.Contains(t, w.obs.Permissions.Missing[0].Fix, "--auth-id '"+id+"'")
		_, byPath := w.requests()
		require.Equal(t, 1, byPath["GET /nodes/localhost/status"], "refused once, not asked again for an hour")
	})
}

func TestServerDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, info := newServerWalk(t, sim.Auditor)
		w.pass()
		require.NoError(t, w.estate.PBSDown(info.Name))
		w.run(2 * time.Minute)
		require.Equal(t, estate.ReasonUnreachable, w.obs.Poll.Reason)
		require.NotEmpty(t, w.obs.Poll.Error)
		require.NotEmpty(t, w.obs.Server.Datastores)
		require.Equal(t, estate.Unknown, estate.HorizonFor(testInterval).Judge(w.obs.Server.Seen, time.Now()))
		require.NoError(t, w.estate.PBSUp(info.Name))
		w.run(2 * time.Minute)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Zero(t, w.obs.Poll.Failures)
	})
}

func TestServerMaintenance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, info := newServerWalk(t, sim.Auditor)
		w.pass()
		require.NoError(t, w.estate.DatastoreMaintenance(info.Name, info.Datastores[0], "offline"))
		w.run(6 * time.Minute)
		s := findDatastore(w.obs.Server.Datastores, info.Datastores[0])
		require.Contains(t, s.Maintenance, "offline")
		require.True(t, s.TotalBytes.Known(), "the last known size")
		require.Empty(t, w.obs.Poll.Reason)
	})
}

func TestServerWithoutDatastores(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := newServerWalk(t, sim.Auditor)
		w.pass()
		w.collector.opt.Collect.Datastores = false
		w.estate.ForgetRequests()
		time.Sleep(testInterval)
		w.pass()
		require.Empty(t, w.obs.Server.Datastores)
		total, byPath := w.requests()
		require.Equal(t, 1, total, "%v", byPath)
		require.False(t, w.look())
	})
}

func TestMergeUsage(t *testing.T) {
	t.Parallel()
	at := start()
	full := proxmox.DatastoreUsage{
		Name: "b", TotalBytes: proxmox.Some[int64](100), UsedBytes: proxmox.Some[int64](40), AvailableBytes: proxmox.Some[int64](60),
	}
	list, vanished := mergeUsage(nil, []proxmox.DatastoreUsage{full, {Name: "a", Error: "not mounted"}, full, {}}, at, false)
	require.Zero(t, vanished)
	require.Equal(t, []estate.Datastore{
		{Name: "a", Error: "not mounted"},
		{
			Name: "b", TotalBytes: estate.Some[int64](100), UsedBytes: estate.Some[int64](40),
			AvailableBytes: estate.Some[int64](60), Seen: estate.Seen{At: at},
		},
	}, list)

	later := at.Add(time.Minute)
	broken, _ := mergeUsage(list, []proxmox.DatastoreUsage{{Name: "b", Error: "gone"}, {Name: "a"}}, later, false)
	require.Equal(t, list[1].TotalBytes, broken[1].TotalBytes)
	require.Equal(t, at, broken[1].Seen.At, "numbers kept with their age")
	require.Equal(t, later, broken[0].Seen.At)

	kept, vanished := mergeUsage(list, nil, later, true)
	require.Equal(t, 2, vanished)
	require.Equal(t, list, kept)
	dropped, _ := mergeUsage(list, nil, later, false)
	require.Empty(t, dropped)
}

func TestNamespacesNote(t *testing.T) {
	t.Parallel()
	require.Equal(t, "this version has no namespaces", namespacesNote(&proxmox.Error{Kind: proxmox.ErrUnsupported}))
	require.Equal(t, "the credentials may not list namespaces", namespacesNote(&proxmox.Error{Kind: proxmox.ErrForbidden}))
	require.Equal(t, "Proxmox answered with an error.", namespacesNote(errors.New("odd")))
}
