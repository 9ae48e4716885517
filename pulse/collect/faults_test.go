package collect

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

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

		for _, d := range []time.Duration{2 * time.Minute, 8 * time.Minute} {
			w.run(d)
			require.Equal(t, estate.NodeOffline, w.obs.Node(down).Status, "the others go on saying so")
			require.Less(t, time.Since(w.obs.Poll.LastSuccess), testInterval+testLook, "and say it now")
			require.Equal(t, estate.Unknown, horizon.Judge(w.obs.Node(down).Seen, time.Now()))
		}
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
		w.run(10 * time.Minute)
		_, before := w.requests()
		w.run(time.Minute)
		_, after := w.requests()
		require.LessOrEqual(t, after["GET /cluster/status"]-before["GET /cluster/status"], 2*6)
		require.NoError(t, w.estate.QuorumLost(w.cluster.Name, false))
		w.run(testInterval)
		require.Equal(t, estate.Some(true), w.obs.Cluster.Quorate, "within one cycle")
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

func TestStandbyMemberThatComesBackIsReachableAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 19}, sim.Auditor)
		down := w.cluster.Nodes[1].Name
		require.NoError(t, w.estate.NodeDown(w.cluster.Name, down))
		w.run(5 * time.Minute)
		require.Contains(t, w.obs.Poll.Unreachable, down)
		require.NoError(t, w.estate.NodeUp(w.cluster.Name, down))
		w.run(testInterval + testLook)
		require.Equal(t, estate.NodeOnline, w.obs.Node(down).Status)
		require.Empty(t, w.obs.Poll.Unreachable)
	})
}

func TestNewClientLearnsTheMembersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 20}, sim.Auditor)
		w.pass()
		w.run(time.Minute)
		w.collector = newTestCollector(t, w.estate, proxmox.PVE, w.cluster.URL(), w.cluster.Credentials[sim.Auditor])
		w.run(testInterval)
		require.Len(t, w.collector.opt.Client.Learned().Members, len(w.cluster.Nodes))
		require.NoError(t, w.estate.NodeDown(w.cluster.Name, w.cluster.Nodes[0].Name))
		w.run(2 * testInterval)
		require.Empty(t, w.obs.Poll.Reason, w.obs.Poll.Error)
		_, before := w.requests()
		w.run(10 * time.Minute)
		_, after := w.requests()
		require.Equal(t, before["GET /nodes"], after["GET /nodes"], "and then as seldom as before")
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
		members := w.collector.opt.Client.Learned().Members
		w.collector = newTestCollector(t, w.estate, proxmox.PVE, w.cluster.URL(), w.cluster.Credentials[sim.Auditor], members...)
		time.Sleep(testInterval)
		w.pass()
		total, byPath := w.requests()
		require.LessOrEqual(t, total, 4, "the table, the task list and what is due: %v", byPath)
		require.True(t, w.guest(w.firstGuest(runningVM).VMID).Rates.NetIn.Known())
	})
}

func TestTableWithoutNodesLeavesTheLastOneAlone(t *testing.T) {
	t.Parallel()
	prev := observe(t, nil, recordedResources(t, "cluster-ok-resources"), start())
	prev.Target, prev.Poll.LastSuccess = "pve-0", start()
	client := replayClient(t, replay{
		"/cluster/resources":  []byte(`{"data":[]}`),
		"/nodes/pve-a/status": []byte(`{"data":{"uptime":5,"loadavg":["1","2","3"]}}`),
		"/access/permissions": []byte(`{"data":{"/":{"Sys.Audit":1,"VM.Audit":1,"Datastore.Audit":1}}}`),
		"/cluster/tasks":      []byte(`{"data":[]}`),
		"/cluster/status":     []byte(`{"data":[]}`),
		"/storage":            []byte(`{"data":[]}`),
		"/version":            []byte(`{"data":{"version":"9.2.11","release":"9.2","repoid":"x"}}`),
		"/nodes":              []byte(`{"data":[]}`),
		"/nodes/pve-b/status": []byte(`{"data":{"uptime":5}}`),
		"/nodes/pve-c/status": []byte(`{"data":{"uptime":5}}`),
	})
	c := New(Options{Target: "pve-0", Client: client, Collect: config.CollectAll(estate.PVE)})
	next := c.Collect(t.Context(), prev)
	require.Empty(t, next.Poll.Reason, next.Poll.Error)
	require.Nil(t, prev.Node("pve-a").Detail)
	require.NotNil(t, next.Node("pve-a").Detail)
	require.Len(t, next.Guests, len(prev.Guests))
}
