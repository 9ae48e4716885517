package collect

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

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
		w := newWalk(t, sim.Config{Seed: 2, Guests: 18}, sim.Auditor)
		w.pass()
		w.run(5 * time.Minute) // all guests were read once
		w.estate.ForgetRequests()
		const span = 30 * time.Minute
		w.run(span)
		total, byPath := w.requests()
		cycles := int(span / testInterval)
		require.InDelta(t, cycles, byPath["GET /cluster/resources"], 2)
		looks := byPath["GET /cluster/tasks"]
		require.InDelta(t, 4*cycles, looks, float64(cycles))
		slow := total - byPath["GET /cluster/resources"] - looks
		require.Less(t, slow, cycles, "slow readings: %v", byPath)
		require.Positive(t, byPath["GET /nodes/{node}/qemu/{vmid}/status/current"])
		require.Positive(t, byPath["GET /nodes/{node}/status"])
		require.Greater(t, byPath["GET /cluster/status"], 20)
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

func TestGuestStoppedAroundTheFirstPassShowsWithTheFirstLook(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]struct{ before, after time.Duration }{
		"so shortly before that the table does not show it": {before: time.Second},
		"between the pass and the look":                     {after: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWalk(t, sim.Config{Seed: 3}, sim.Auditor)
				time.Sleep(2 * time.Second)
				vmid := firstRunning(t, w)
				if when.before > 0 {
					require.NoError(t, w.estate.StopGuest(w.cluster.Name, vmid))
					time.Sleep(when.before)
				}
				w.pass()
				require.Equal(t, estate.GuestRunning, w.guest(vmid).Status)
				if when.after > 0 {
					require.NoError(t, w.estate.StopGuest(w.cluster.Name, vmid))
					time.Sleep(when.after)
				}
				require.True(t, w.look())
				require.Equal(t, estate.GuestStopped, w.guest(vmid).Status)
				require.Zero(t, w.guest(vmid).Generation)
			})
		})
	}
}

// firstRunning is the first running VM of the simulated estate.
func firstRunning(t *testing.T, w *walk) int {
	t.Helper()
	guests, err := w.estate.Guests(w.cluster.Name)
	require.NoError(t, err)
	i := slices.IndexFunc(guests, func(g sim.Guest) bool {
		return g.Type == "qemu" && g.Status == estate.GuestRunning && !g.Template
	})
	require.GreaterOrEqual(t, i, 0)
	return guests[i].VMID
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

func TestGuestElsewhereThanItsTaskIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 23}, sim.Auditor)
		w.pass()
		w.look()
		g := w.firstGuest(runningVM)
		require.NoError(t, w.estate.StopGuestSilently(w.cluster.Name, g.VMID))
		_, err := w.estate.AddTask(w.cluster.Name, otherNode(w.cluster, g.Node), "qmstop", itoa(g.VMID), "OK")
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.True(t, w.look())
		require.Equal(t, estate.GuestStopped, w.guest(g.VMID).Status)
		require.Equal(t, g.Node, w.guest(g.VMID).Node)
	})
}

func TestClonedGuestIsFoundThoughNoTaskNamesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWalk(t, sim.Config{Seed: 24}, sim.Auditor)
		w.pass()
		w.look()
		source := w.firstGuest(runningVM)
		require.NoError(t, w.estate.CreateGuest(w.cluster.Name, sim.Guest{VMID: 901, Type: "qemu", Name: "copy", Node: source.Node}))
		_, err := w.estate.AddTask(w.cluster.Name, source.Node, "qmclone", itoa(source.VMID), "OK")
		require.NoError(t, err)
		// The simulated clone leaves a creation too; without it only the clone's task remains.
		tasks, meta, err := w.collector.opt.Client.ClusterTasks(t.Context())
		require.NoError(t, err)
		tasks = slices.DeleteFunc(tasks, func(one proxmox.Task) bool { return one.Kind == "qmcreate" })
		d := draftOf(w.obs, "pve-0")
		steps, _ := follow(d.obs.Tasks, tasks, d.isDown, meta.At)
		wanted := d.take(steps, 0, meta.At)
		w.collector.look(t.Context(), d, &wanted)
		w.obs = d.done()
		require.Equal(t, "copy", w.guest(901).Name)
		require.Equal(t, estate.GuestStopped, w.guest(901).Status)
	})
}
