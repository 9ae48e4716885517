package deployments

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// standing is a simulated estate whose clock stands still, so that whoever reads it, and whenever, reads the same.
type standing struct {
	*sim.Estate
	now atomic.Int64 // of its clock, in nanoseconds since 1970
	// targets is the file that declares the first cluster.
	targets string
}

// declared is the name of the cluster that a file declares; the other one and the backup server are added.
const declared = "cluster1"

// newStanding starts an estate of two clusters and a backup server. What a pass cannot read at once is left out of it:
// VMs that run an agent.
func newStanding(t *testing.T) *standing {
	t.Helper()
	s := start(t, sim.Config{Seed: 4, Clusters: 2, NodesPerCluster: 2, Guests: 12, BackupServers: 1, BackupsPerGuest: 2})
	for _, c := range s.Clusters() {
		guests, err := s.Guests(c.Name)
		require.NoError(t, err)
		for _, g := range guests {
			if g.Agent && g.Status == "running" {
				require.NoError(t, s.StopGuest(c.Name, g.VMID))
			}
		}
		require.NoError(t, s.SetGuestTags(c.Name, guests[0].VMID, "prod;web"))
	}
	s.advance(time.Minute)
	return s
}

func start(t *testing.T, cfg sim.Config) *standing {
	t.Helper()
	s := &standing{targets: filepath.Join(t.TempDir(), "targets.json")}
	s.now.Store(time.Now().UnixNano())
	cfg.Now = func() time.Time { return time.Unix(0, s.now.Load()) }
	var err error
	s.Estate, err = sim.New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(s.Stop)
	require.NoError(t, lab.WriteTargets(s.targets, lab.Declare(s.Describe(), sim.BackupReader)[:1]))
	return s
}

// advance lets time pass for it.
func (s *standing) advance(d time.Duration) { s.now.Add(int64(d)) }

// cluster is the one with a name.
func (s *standing) cluster(t *testing.T, name string) sim.ClusterInfo {
	t.Helper()
	for _, c := range s.Clusters() {
		if c.Name == name {
			return c
		}
	}
	require.FailNow(t, "no such cluster", name)
	return sim.ClusterInfo{}
}
