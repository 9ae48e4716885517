package collect

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// walk drives a collector over a simulated estate on the clock of a synctest bubble, as a monitor does: a full pass every
// interval and a look at the task list every two seconds in between.
type walk struct {
	t         *testing.T
	estate    *sim.Estate
	cluster   sim.ClusterInfo
	collector *Collector
	obs       *estate.Observation
	next      time.Time
}

const (
	testInterval = 10 * time.Second
	testLook     = 2 * time.Second
)

func newWalk(t *testing.T, cfg sim.Config, role sim.Role) *walk {
	t.Helper()
	cfg.InMemory = true
	e, err := sim.New(cfg)
	require.NoError(t, err)
	cluster := e.Clusters()[0]
	w := &walk{t: t, estate: e, cluster: cluster}
	w.collector = newTestCollector(t, e, proxmox.PVE, cluster.URL(), cluster.Credentials[role])
	return w
}

func newTestCollector(t *testing.T, e *sim.Estate, kind proxmox.Kind, address string, who sim.Credential) *Collector {
	t.Helper()
	client, err := proxmox.New(proxmox.Options{
		Kind: kind, Address: address,
		Credential:   proxmox.Credential{TokenID: who.TokenID, TokenSecret: proxmox.Secret(who.TokenSecret)},
		RoundTripper: func(string) http.RoundTripper { return e },
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return New(Options{
		Target: estate.NewTargetID(estate.TargetKind(kind), 0), Client: client, Account: who.TokenID,
		Collect: config.CollectAll(estate.TargetKind(kind)), Interval: testInterval,
	})
}

// pass makes one full pass now.
func (w *walk) pass() *estate.Observation {
	w.t.Helper()
	w.obs = w.collector.Collect(w.t.Context(), w.obs)
	requireSound(w.t, w.obs)
	w.next = time.Now().Add(testInterval)
	return w.obs
}

// look follows the task list once.
func (w *walk) look() bool {
	w.t.Helper()
	next, changed, err := w.collector.Watch(w.t.Context(), w.obs)
	require.NoError(w.t, err)
	if !changed {
		require.Same(w.t, w.obs, next)
	}
	requireSound(w.t, next)
	w.obs = next
	return changed
}

// run lets time pass with looks and passes at their times.
func (w *walk) run(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(testLook)
		if time.Now().Before(w.next) {
			_, _, _ = w.lookQuietly()
			continue
		}
		w.pass()
	}
}

// lookQuietly looks and takes what comes, also nothing from a target that is down.
func (w *walk) lookQuietly() (*estate.Observation, bool, error) {
	next, changed, err := w.collector.Watch(w.t.Context(), w.obs)
	w.obs = next
	return next, changed, err
}

func (w *walk) guest(vmid int) *estate.Guest {
	w.t.Helper()
	g := w.obs.Guest(vmid)
	require.NotNil(w.t, g, "guest %d", vmid)
	return g
}

func (w *walk) requests() (total int, byPath map[string]int) {
	byPath = w.estate.RequestCounts(w.cluster.Name)
	for _, n := range byPath {
		total += n
	}
	return total, byPath
}

// firstGuest returns the live truth of the first guest that fits.
func (w *walk) firstGuest(fits func(sim.Guest) bool) sim.Guest {
	w.t.Helper()
	guests, err := w.estate.Guests(w.cluster.Name)
	require.NoError(w.t, err)
	for _, g := range guests {
		if fits(g) {
			return g
		}
	}
	require.FailNow(w.t, "no guest fits")
	return sim.Guest{}
}

func runningVM(g sim.Guest) bool { return g.Type == "qemu" && g.Status == "running" && !g.Template }

func otherNode(c sim.ClusterInfo, name string) string {
	for _, n := range c.Nodes {
		if n.Name != name {
			return n.Name
		}
	}
	return ""
}

func TestFirstPassShowsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 1, Guests: 40}, sim.Auditor)
		obs := w.pass()
		require.Empty(t, obs.Poll.Reason, obs.Poll.Error)
		require.Empty(t, obs.Poll.Degraded)
		require.Len(t, obs.Nodes, 3)
		require.Len(t, obs.Guests, 40)
		require.NotEmpty(t, obs.Storages)
		require.Empty(t, obs.Permissions.Missing)
		require.Equal(t, w.cluster.Name, obs.Cluster.Name)
		require.Equal(t, estate.Some(true), obs.Cluster.Quorate)
		require.NotEmpty(t, obs.Cluster.Version)
		require.Less(t, obs.Poll.Took, time.Second)
		for _, n := range obs.Nodes {
			require.NotNil(t, n.Detail, n.Name)
			require.NotEmpty(t, n.Address, n.Name)
			require.Len(t, n.Detail.LoadAverage, 3)
			require.True(t, n.CPUFraction.Known())
		}
	})
}

func TestSteadyStateStaysWithinBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 2, Guests: 30}, sim.Auditor)
		w.pass()
		w.run(30 * time.Minute) // all guests were read once
		w.estate.ForgetRequests()
		const span = time.Hour
		w.run(span)
		total, byPath := w.requests()
		cycles := int(span / testInterval)
		require.InDelta(t, cycles, byPath["GET /cluster/resources"], 2)
		looks := byPath["GET /cluster/tasks"]
		require.InDelta(t, 4*cycles, looks, float64(cycles))
		slow := total - byPath["GET /cluster/resources"] - looks
		require.Less(t, slow, cycles, "slow readings: %v", byPath)
		require.Greater(t, byPath["GET /nodes/{node}/qemu/{vmid}/status/current"], 0)
		require.Greater(t, byPath["GET /nodes/{node}/status"], 0)
		require.Greater(t, byPath["GET /cluster/status"], 50)
	})
}

func TestStoppedGuestShowsAtOnceAndStaysStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 3}, sim.Auditor)
		w.pass()
		w.run(25 * time.Second)
		vmid := w.firstGuest(runningVM).VMID
		require.Equal(t, estate.GuestRunning, w.guest(vmid).Status)
		require.True(t, w.guest(vmid).Rates.NetIn.Known())
		require.NoError(t, w.estate.StopGuest(w.cluster.Name, vmid))
		time.Sleep(time.Second)
		require.True(t, w.look())
		require.Equal(t, estate.GuestStopped, w.guest(vmid).Status)
		w.pass() // the table still says running
		require.Equal(t, estate.GuestStopped, w.guest(vmid).Status)
		for range 4 {
			w.run(testLook)
			require.Equal(t, estate.GuestStopped, w.guest(vmid).Status)
		}
		require.NoError(t, w.estate.StartGuest(w.cluster.Name, vmid))
		time.Sleep(time.Second)
		require.True(t, w.look())
		require.Equal(t, estate.GuestRunning, w.guest(vmid).Status)
		require.False(t, w.guest(vmid).Rates.NetIn.Known(), "rates of the former run")
		for range 20 {
			w.run(testLook)
			require.Equal(t, estate.GuestRunning, w.guest(vmid).Status)
		}
		require.True(t, w.guest(vmid).Rates.NetIn.Known())
	})
}

func TestGuestStoppedWithoutTaskShowsWithTheNextCycles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 3}, sim.Auditor)
		w.pass()
		vmid := w.firstGuest(runningVM).VMID
		require.NoError(t, w.estate.StopGuestSilently(w.cluster.Name, vmid))
		w.run(22 * time.Second)
		require.Equal(t, estate.GuestStopped, w.guest(vmid).Status)
		require.Equal(t, estate.Some(0.0), w.guest(vmid).CPUFraction)
	})
}

func TestMigratedGuestKeepsIdentity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 4}, sim.Auditor)
		w.pass()
		w.run(30 * time.Second)
		before := w.firstGuest(runningVM)
		target := otherNode(w.cluster, before.Node)
		require.True(t, w.guest(before.VMID).Rates.NetIn.Known())
		require.NoError(t, w.estate.MigrateGuest(w.cluster.Name, before.VMID, target))
		time.Sleep(testLook)
		require.True(t, w.look())
		g := w.guest(before.VMID)
		require.Equal(t, target, g.Node)
		require.Zero(t, g.Generation)
		require.Equal(t, estate.GuestRunning, g.Status)
		require.Equal(t, estate.Rates{}, g.Rates)
		for range 20 {
			w.run(testLook)
			require.Equal(t, target, w.guest(before.VMID).Node)
			require.Equal(t, estate.GuestRunning, w.guest(before.VMID).Status)
		}
		require.True(t, w.guest(before.VMID).Rates.NetIn.Known())
		require.Equal(t, before.Name, w.guest(before.VMID).Name)
	})
}

func TestRecreatedGuestIsAnother(t *testing.T) {
	t.Parallel()
	for name, watched := range map[string]bool{"watched": true, "passes only": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWalk(t, sim.Config{Seed: 5}, sim.Auditor)
				w.pass()
				if watched {
					w.look()
				} else {
					time.Sleep(testInterval)
					w.pass()
				}
				vmid := w.firstGuest(runningVM).VMID
				time.Sleep(2 * time.Second)
				require.NoError(t, w.estate.RecreateGuest(w.cluster.Name, vmid))
				time.Sleep(time.Second)
				if watched {
					require.True(t, w.look())
					require.Equal(t, 1, w.guest(vmid).Generation)
					w.run(40 * time.Second)
				} else {
					for range 4 {
						time.Sleep(testInterval)
						w.pass()
					}
				}
				require.Equal(t, 1, w.guest(vmid).Generation)
				require.NotEmpty(t, w.guest(vmid).Name)
			})
		})
	}
}

func TestCreatedAndRemovedGuestsShowAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 6}, sim.Auditor)
		w.pass()
		w.look()
		node := w.cluster.Nodes[1].Name
		time.Sleep(time.Second)
		require.NoError(t, w.estate.CreateGuest(w.cluster.Name, sim.Guest{
			VMID: 900, Type: "lxc", Name: "fresh", Node: node, Status: "running",
		}))
		time.Sleep(time.Second)
		require.True(t, w.look())
		require.Equal(t, "fresh", w.guest(900).Name)
		require.Equal(t, estate.GuestRunning, w.guest(900).Status)
		for range 15 {
			w.run(testLook)
			require.Equal(t, "fresh", w.guest(900).Name)
			require.Equal(t, estate.GuestRunning, w.guest(900).Status)
		}
		require.NoError(t, w.estate.RemoveGuest(w.cluster.Name, 900))
		time.Sleep(time.Second)
		require.True(t, w.look())
		require.Nil(t, w.obs.Guest(900))
		for range 15 {
			w.run(testLook)
			require.Nil(t, w.obs.Guest(900))
		}
	})
}

func TestNodeDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 7}, sim.Auditor)
		w.pass()
		w.run(30 * time.Second)
		horizon := estate.HorizonFor(testInterval)
		down := w.cluster.Nodes[2].Name
		victim := w.firstGuest(func(g sim.Guest) bool { return runningVM(g) && g.Node == down })
		survivor := w.firstGuest(func(g sim.Guest) bool { return runningVM(g) && g.Node != down })
		require.NoError(t, w.estate.NodeDown(w.cluster.Name, down))
		w.pass()
		require.Equal(t, estate.NodeOffline, w.obs.Node(down).Status)
		require.True(t, w.obs.Node(down).CPUFraction.Known(), "the last known number")

		w.run(26 * time.Second)
		require.Empty(t, w.obs.Poll.Reason)
		require.Equal(t, estate.Stale, horizon.Judge(w.guest(victim.VMID).Seen, time.Now()))
		require.Equal(t, estate.Live, horizon.Judge(w.guest(survivor.VMID).Seen, time.Now()))
		require.Equal(t, estate.Stale, horizon.Judge(w.obs.Node(down).Seen, time.Now()))

		w.run(6 * time.Minute)
		g := w.guest(victim.VMID)
		require.Equal(t, estate.GuestUnknown, g.Status)
		require.Equal(t, victim.Name, g.Name, "kept while PVE sends none")
		require.True(t, g.MemTotalBytes.Known())
		require.Equal(t, estate.Unknown, horizon.Judge(g.Seen, time.Now()))
		require.Equal(t, estate.Live, horizon.Judge(w.guest(survivor.VMID).Seen, time.Now()))

		require.NoError(t, w.estate.NodeUp(w.cluster.Name, down))
		w.run(30 * time.Second)
		require.Equal(t, estate.NodeOnline, w.obs.Node(down).Status)
		require.Equal(t, estate.Live, horizon.Judge(w.guest(victim.VMID).Seen, time.Now()))
		require.WithinDuration(t, time.Now(), w.obs.Node(down).Detail.At, time.Minute)
	})
}

func TestStuckStatusDaemonMakesOneNodeStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 8, Guests: 30}, sim.Auditor)
		w.pass()
		w.run(30 * time.Second)
		horizon := estate.HorizonFor(testInterval)
		stuck := w.cluster.Nodes[1].Name
		require.NoError(t, w.estate.StatusDaemonStopped(w.cluster.Name, stuck, true))
		w.run(50 * time.Second)
		require.Contains(t, w.obs.Poll.Degraded, stuck+" repeats old numbers")
		for i := range w.obs.Guests {
			g := &w.obs.Guests[i]
			want := estate.Live
			if g.Node == stuck {
				want = estate.Stale
			}
			require.Equal(t, want, horizon.Judge(g.Seen, time.Now()), "%d on %s is %s", g.VMID, g.Node, g.Status)
		}
		for i := range w.obs.Storages {
			s := &w.obs.Storages[i]
			if s.Enabled && s.Node == "" {
				require.Equal(t, estate.Live, horizon.Judge(s.Seen, time.Now()), s.Name)
			}
		}
		require.NoError(t, w.estate.StatusDaemonStopped(w.cluster.Name, stuck, false))
		w.run(30 * time.Second)
		require.Empty(t, w.obs.Poll.Degraded)
	})
}

func TestLimitedTokenNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 9}, sim.Limited)
		w.pass()
		w.run(time.Minute)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Len(t, w.obs.Guests, 1)
		require.Empty(t, w.obs.Storages)
		require.True(t, lacks(w.obs.Permissions, privilegeStorages))
		require.False(t, lacks(w.obs.Permissions, privilegeGuests))
		for _, m := range w.obs.Permissions.Missing {
			require.Contains(t, m.Fix, "pveum acl modify / --roles PVEAuditor --users '")
			require.Contains(t, m.Fix, " --tokens '"+w.cluster.Credentials[sim.Limited].TokenID+"'")
		}
		require.Contains(t, w.obs.Poll.Degraded, privilegeStorages)
		horizon := estate.HorizonFor(testInterval)
		require.Equal(t, estate.Live, horizon.Judge(w.obs.Nodes[0].Seen, time.Now()))
		require.Equal(t, estate.Live, horizon.Judge(w.obs.Guests[0].Seen, time.Now()))
	})
}

func TestTokenWithoutRightsIsForbiddenAndKeepsWhatWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 10}, sim.Auditor)
		w.pass()
		w.run(testInterval)
		guests, storages := len(w.obs.Guests), len(w.obs.Storages)
		blind := newTestCollector(t, w.estate, proxmox.PVE, w.cluster.URL(), w.cluster.Credentials[sim.NoRights])
		able := w.collector
		w.collector = blind
		w.run(40 * time.Second)
		require.Equal(t, estate.ReasonForbidden, w.obs.Poll.Reason)
		require.Contains(t, w.obs.Poll.Error, "pveum acl modify / --roles PVEAuditor")
		require.Len(t, w.obs.Guests, guests)
		require.Len(t, w.obs.Storages, storages)
		horizon := estate.HorizonFor(testInterval)
		for i := range w.obs.Guests {
			require.NotEqual(t, estate.Live, horizon.Judge(w.obs.Guests[i].Seen, time.Now()))
		}
		w.collector = able
		w.run(90 * time.Second)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Empty(t, w.obs.Permissions.Missing)
		require.Equal(t, estate.Live, horizon.Judge(w.obs.Guests[0].Seen, time.Now()))
	})
}

func TestCounterResetGivesNoRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 11, ChangeShare: 1}, sim.Auditor)
		w.pass()
		w.run(40 * time.Second)
		vmid := w.firstGuest(runningVM).VMID
		require.True(t, w.guest(vmid).Rates.NetIn.Known())
		require.NoError(t, w.estate.ResetCounters(w.cluster.Name, vmid))
		unknown := false
		for range 15 {
			w.run(testLook)
			rate, known := w.guest(vmid).Rates.NetIn.Get()
			unknown = unknown || !known
			require.GreaterOrEqual(t, rate, 0.0)
			require.Less(t, rate, 1e11)
		}
		require.True(t, unknown)
		require.True(t, w.guest(vmid).Rates.NetIn.Known())
	})
}

func TestSilentMonitorKeepsTheBase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 12, ChangeShare: 1}, sim.Auditor)
		w.pass()
		w.run(40 * time.Second)
		vmid := w.firstGuest(runningVM).VMID
		base := w.guest(vmid).Base.DiskRead
		require.NoError(t, w.estate.MonitorSilent(w.cluster.Name, vmid, true))
		w.run(30 * time.Second)
		require.False(t, w.guest(vmid).Rates.DiskRead.Known())
		require.GreaterOrEqual(t, w.guest(vmid).Base.DiskRead.Value, base.Value)
		require.True(t, w.guest(vmid).Rates.NetIn.Known())
		require.NoError(t, w.estate.MonitorSilent(w.cluster.Name, vmid, false))
		w.run(30 * time.Second)
		require.True(t, w.guest(vmid).Rates.DiskRead.Known())
	})
}

func TestHungAgentDoesNotDelayAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 13, NodesPerCluster: 1, Guests: 6}, sim.Auditor)
		agent := w.firstGuest(func(g sim.Guest) bool { return runningVM(g) && g.Agent })
		require.NoError(t, w.estate.AgentHang(w.cluster.Name, agent.VMID, true))
		w.pass()
		end := time.Now().Add(30 * time.Minute)
		for time.Now().Before(end) {
			w.run(testInterval)
			require.Less(t, w.obs.Poll.Took, 2*time.Second)
			require.Empty(t, w.obs.Poll.Reason)
		}
		g := w.guest(agent.VMID)
		require.NotNil(t, g.Filesystems)
		require.NotEmpty(t, g.Filesystems.Reason)
		require.False(t, g.DiskUsedBytes.Known())
		_, byPath := w.requests()
		asked := 0
		for _, r := range w.estate.Requests(w.cluster.Name) {
			if r.Pattern == "/nodes/{node}/qemu/{vmid}/agent/get-fsinfo" && r.Path == "/nodes/"+agent.Node+"/qemu/"+itoa(agent.VMID)+"/agent/get-fsinfo" {
				asked++
			}
		}
		require.Positive(t, asked, "%v", byPath)
		require.LessOrEqual(t, asked, 4)
		require.NoError(t, w.estate.AgentHang(w.cluster.Name, agent.VMID, false))
		w.run(time.Hour)
		require.NotEmpty(t, w.guest(agent.VMID).Filesystems.List)
		require.True(t, w.guest(agent.VMID).DiskUsedBytes.Known())
	})
}

func TestMemberWithoutQuorumIsLeftAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 14}, sim.Auditor)
		w.pass()
		require.NoError(t, w.estate.QuorumLost(w.cluster.Name, true))
		w.run(3 * time.Minute)
		require.Equal(t, estate.Some(false), w.obs.Cluster.Quorate)
		require.Contains(t, w.obs.Poll.Degraded, "no quorum")
		require.Empty(t, w.obs.Poll.Reason)
		require.NoError(t, w.estate.QuorumLost(w.cluster.Name, false))
		w.run(3 * time.Minute)
		require.Equal(t, estate.Some(true), w.obs.Cluster.Quorate)
		require.Empty(t, w.obs.Poll.Degraded)
	})
}

func TestMemberDownIsSurvived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 15}, sim.Auditor)
		w.pass()
		asked := w.cluster.Nodes[0].Name
		require.NoError(t, w.estate.NodeDown(w.cluster.Name, asked))
		w.run(time.Minute)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Equal(t, estate.NodeOffline, w.obs.Node(asked).Status)
		require.NotEqual(t, w.cluster.URL(), w.obs.Poll.Via)
		require.Contains(t, w.obs.Poll.Unreachable, asked)
		require.Equal(t, estate.NodeOnline, w.obs.Nodes[2].Status)
	})
}

func TestUnauthorizedKeepsValuesAndCountsFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 16}, sim.Auditor)
		w.pass()
		good := w.obs.Poll.LastSuccess
		require.NoError(t, w.estate.Unauthorized(w.cluster.Name, true))
		time.Sleep(testInterval)
		w.pass()
		first := w.obs.Poll.FailedSince
		time.Sleep(testInterval)
		w.pass()
		p := w.obs.Poll
		require.Equal(t, estate.ReasonUnauthorized, p.Reason)
		require.Contains(t, p.Error, "wrong, unknown or expired")
		require.Equal(t, 2, p.Failures)
		require.Equal(t, first, p.FailedSince)
		require.Equal(t, good, p.LastSuccess)
		require.Len(t, w.obs.Guests, 12)
	})
}

func TestCalledOffPassIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 17}, sim.Auditor)
		w.pass()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, w.obs, w.collector.Collect(ctx, w.obs))
		first := w.collector.Collect(ctx, nil)
		require.NotEmpty(t, first.Poll.Reason)
	})
}

func TestOffFlagsLeaveListsEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 18, Guests: 20}, sim.Auditor)
		w.collector.opt.Collect = config.Collect{VMs: true}
		w.pass()
		w.run(time.Minute)
		require.Empty(t, w.obs.Storages)
		require.NotEmpty(t, w.obs.Guests)
		for _, g := range w.obs.Guests {
			require.Equal(t, estate.VM, g.Kind)
		}
		_, byPath := w.requests()
		require.Zero(t, byPath["GET /storage"])
		w.collector.opt.Collect = config.Collect{}
		w.run(testInterval)
		require.Empty(t, w.obs.Guests)
	})
}

func TestHungMemberDoesNotDelayThePass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 19}, sim.Auditor)
		hung := w.cluster.Nodes[2].Name
		require.NoError(t, w.estate.NodeHang(w.cluster.Name, hung, true))
		w.pass()
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		require.Less(t, w.obs.Poll.Took, time.Second)
		require.Len(t, w.obs.Guests, 12)
		require.NotNil(t, w.obs.Nodes[1].Detail)
		for range 30 {
			w.run(testInterval)
			require.Less(t, w.obs.Poll.Took, 2*time.Second)
			require.Empty(t, w.obs.Poll.Reason)
		}
		require.Contains(t, w.obs.Poll.Degraded, hung+" does not answer for itself")
		require.NoError(t, w.estate.NodeHang(w.cluster.Name, hung, false))
		w.run(10 * time.Minute)
		require.Empty(t, w.obs.Poll.Degraded)
		require.NotNil(t, w.obs.Node(hung).Detail)
	})
}

func TestSlowTargetIsFilledInTheNextPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 21}, sim.Auditor)
		for _, n := range w.cluster.Nodes {
			require.NoError(t, w.estate.NodeSlow(w.cluster.Name, n.Name, 400*time.Millisecond))
		}
		w.pass()
		require.Less(t, w.obs.Poll.Took, time.Second)
		require.Len(t, w.obs.Guests, 12)
		w.run(2 * time.Minute)
		for _, n := range w.obs.Nodes {
			require.NotNil(t, n.Detail, n.Name)
		}
		require.NotEmpty(t, w.obs.Cluster.Version)
		require.False(t, w.obs.Permissions.At.IsZero())
	})
}

func TestAnotherProcessGoesOnFromTheObservation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 22}, sim.Auditor)
		w.pass()
		w.run(5 * time.Minute)
		w.estate.ForgetRequests()
		w.collector = newTestCollector(t, w.estate, proxmox.PVE, w.cluster.URL(), w.cluster.Credentials[sim.Auditor])
		time.Sleep(testInterval)
		w.pass()
		total, byPath := w.requests()
		require.LessOrEqual(t, total, 4, "the table, the task list and what is due: %v", byPath)
		require.True(t, w.guest(w.firstGuest(runningVM).VMID).Rates.NetIn.Known())
	})
}
