package pulse_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestAddedTargetsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 20, BackupServers: 1}, func(l *lab) {
		defer l.run()()
		ids := []estate.TargetID{l.add(0).ID, l.add(1).ID, l.addServer(0).ID}
		require.Equal(t, []estate.TargetID{"pve-0", "pve-1", "pbs-0"}, ids)
		l.within(time.Second, "all three connected", func() bool {
			for _, id := range ids {
				if l.state(id).Status != pulse.Connected {
					return false
				}
			}
			return true
		})
		guests := 0
		for _, id := range ids[:2] {
			require.Len(t, l.state(id).Observation.Nodes, 3)
			guests += len(l.state(id).Observation.Guests)
		}
		require.Equal(t, 20, guests)
		require.NotEmpty(t, l.state("pbs-0").Observation.Server.Datastores)
		require.True(t, l.monitor.Ready().Ready, l.monitor.Ready().Reasons)
	})
}

func TestStoppedGuestShowsWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 12}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		time.Sleep(21 * time.Second)
		cluster := l.estate.Clusters()[0].Name
		vmid := runningGuest(l.state(id).Observation)
		require.NoError(t, l.estate.StopGuest(cluster, vmid))
		l.within(3*time.Second, "the guest is stopped", func() bool {
			return l.state(id).Observation.Guest(vmid).Status == estate.GuestStopped
		})
		// The numbers of /cluster/resources lag behind the task; they must not bring the old state back.
		for range 60 {
			time.Sleep(500 * time.Millisecond)
			require.Equal(t, estate.GuestStopped, l.state(id).Observation.Guest(vmid).Status)
		}
	})
}

func runningGuest(o *estate.Observation) int {
	for _, g := range o.Guests {
		if g.Status == estate.GuestRunning && g.Kind == estate.VM && g.Lock == "" {
			return g.VMID
		}
	}
	return 0
}

func TestHangingTargetDelaysNoOther(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, NodesPerCluster: 1, Guests: 10}, func(l *lab) {
		first := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeHang(first.Name, first.Nodes[0].Name, true))
		defer l.run()()
		hanging, healthy := l.add(0).ID, l.add(1).ID
		l.within(time.Second, "the healthy one is read", func() bool { return l.state(healthy).Status == pulse.Connected })
		for range 6 {
			time.Sleep(10 * time.Second)
			age := time.Since(l.state(healthy).Observation.Poll.LastSuccess)
			require.Less(t, age, 12*time.Second)
		}
		require.Equal(t, pulse.Disconnected, l.state(hanging).Status)
		require.Equal(t, estate.ReasonTimeout, l.state(hanging).Observation.Poll.Reason)
		require.NoError(t, l.estate.NodeHang(first.Name, first.Nodes[0].Name, false))
		l.within(2*time.Minute, "the hanging one heals by itself", func() bool {
			return l.state(hanging).Status == pulse.Connected
		})
	})
}

func TestUnreachableTargetTurnsStaleThenUnknownAndLosesNothing(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 6}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		l.estate.Stop()
		time.Sleep(40 * time.Second)
		state := l.state(id)
		require.Equal(t, pulse.Disconnected, state.Status)
		require.Equal(t, estate.ReasonUnreachable, state.Observation.Poll.Reason)
		require.Len(t, state.Observation.Guests, 6)
		require.Contains(t, string(l.monitor.Snapshot().Wire.State().Plain()), `"freshness":"stale"`)
		time.Sleep(2 * time.Minute)
		document := string(l.monitor.Snapshot().Wire.State().Plain())
		require.Contains(t, document, `"freshness":"unknown"`)
		require.NotContains(t, document, `"freshness":"live"`)
		require.NoError(t, l.estate.Start(l.t.Context()))
		l.within(2*time.Minute, "connected again", func() bool { return l.state(id).Status == pulse.Connected })
	})
}

func TestOneDeadMemberLeavesTheOthersAlive(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 12}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		time.Sleep(15 * time.Second)
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeDown(cluster.Name, cluster.Nodes[0].Name)) // the one that is configured
		l.within(25*time.Second, "the member is offline", func() bool {
			return l.state(id).Observation.Node(cluster.Nodes[0].Name).Status == estate.NodeOffline
		})
		time.Sleep(30 * time.Second)
		for _, node := range cluster.Nodes[1:] {
			require.Equal(t, estate.NodeOnline, l.state(id).Observation.Node(node.Name).Status)
		}
		require.Len(t, l.state(id).Observation.Guests, 12)
		require.NotEqual(t, pulse.Disconnected, l.state(id).Status)
	})
}

func TestRestartShowsTheLastStateUntilTheFirstPass(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 9}, func(l *lab) {
		stop := l.run()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		stop()
		l.estate.Stop()
		time.Sleep(time.Hour)
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		state := l.state(id)
		require.Len(t, state.Observation.Guests, 9)
		require.Equal(t, pulse.Disconnected, state.Status)
		require.NotContains(t, string(l.monitor.Snapshot().Wire.State().Plain()), `"freshness":"live"`)
		require.False(t, l.monitor.Ready().Ready)
	})
}

func TestPollReadsOnlyWhatIsDue(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 5}, func(l *lab) {
		l.add(0)
		name := l.estate.Clusters()[0].Name
		resources := func() int { return l.estate.RequestCounts(name)["GET /cluster/resources"] }
		require.NoError(t, l.monitor.Poll(l.t.Context()))
		require.Equal(t, 1, resources())
		require.NoError(t, l.monitor.Poll(l.t.Context()))
		require.Equal(t, 1, resources(), "nothing is due yet")
		time.Sleep(10 * time.Second)
		require.NoError(t, l.monitor.Poll(l.t.Context()))
		require.Equal(t, 2, resources())
		require.Len(t, l.state("pve-0").Observation.Guests, 5)
	})
}

func TestChangedTargetIsReadAtOnce(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 5}, func(l *lab) {
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		bad := cluster.Credentials[sim.Auditor]
		bad.TokenSecret = "00000000-0000-0000-0000-000000000000"
		id := l.addPatch(estate.PVE, patchOf("lab", cluster.URL(), bad)).ID
		l.within(5*time.Second, "rejected", func() bool { return l.state(id).Status == pulse.Disconnected })
		require.Equal(t, estate.ReasonUnauthorized, l.state(id).Observation.Poll.Reason)
		good := config.NewSecret(cluster.Credentials[sim.Auditor].TokenSecret)
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{TokenSecret: &good})
		require.NoError(t, err)
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
	})
}

func TestRemovedTargetIsForgotten(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 5}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		require.NoError(t, l.monitor.RemoveTarget(l.t.Context(), id))
		require.Empty(t, l.monitor.Snapshot().Targets)
		require.Contains(t, string(l.monitor.Snapshot().Wire.State().Plain()), `"nodes":[]`)
		group, err := l.store.List(l.t.Context(), string(id), "")
		require.NoError(t, err)
		require.Empty(t, group.Items)
		l.estate.ForgetRequests()
		time.Sleep(time.Minute)
		require.Empty(t, l.estate.RequestCounts(l.estate.Clusters()[0].Name))
		require.Equal(t, estate.TargetID("pve-1"), l.add(0).ID, "a number is never used again")
		require.ErrorIs(t, l.monitor.RemoveTarget(l.t.Context(), id), pulse.ErrNotFound)
	})
}

func TestChangingAnUnknownTargetIsNotFound(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		_, err := l.monitor.UpdateTarget(l.t.Context(), "pve-7", pulse.TargetPatch{})
		require.ErrorIs(t, err, pulse.ErrNotFound)
		_, err = l.monitor.ProbeTarget(l.t.Context(), "pve-7")
		require.ErrorIs(t, err, pulse.ErrNotFound)
	})
}

func TestDuplicatesAreRefusedByName(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 5}, func(l *lab) {
		member := l.estate.Clusters()[0].Nodes[1].Address + ":8006"
		l.options.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "alias.example:8006" {
				address = member
			}
			return l.estate.DialContext(ctx, network, address)
		}
		l.reopen()
		defer l.run()()
		first := l.add(0)
		l.within(time.Second, "members known", func() bool { return len(l.state(first.ID).Members) == 3 })
		cluster, other := l.estate.Clusters()[0], l.estate.Clusters()[1]
		credential := cluster.Credentials[sim.Auditor]
		for name, p := range map[string]pulse.TargetPatch{
			"the same address":   patchOf("x", cluster.URL(), credential),
			"the same name":      patchOf(first.Name, other.URL(), credential),
			"a member's address": patchOf("y", cluster.Nodes[2].URL, credential),
			"a member by name":   patchOf("z", "https://alias.example:8006", credential),
		} {
			_, err := l.monitor.AddTarget(l.t.Context(), estate.PVE, p)
			var dup *pulse.DuplicateError
			require.ErrorAs(t, err, &dup, name)
			require.Equal(t, first.ID, dup.Target, name)
		}
		require.Len(t, l.monitor.Snapshot().Targets, 1)
		second := l.add(1)
		alias := "alias.example"
		_, err := l.monitor.UpdateTarget(l.t.Context(), second.ID, pulse.TargetPatch{Address: &alias})
		var dup *pulse.DuplicateError
		require.ErrorAs(t, err, &dup)
	})
}

func TestSettingsApplyWithoutRestart(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 5}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		name := l.estate.Clusters()[0].Name
		every := 2 * time.Second
		_, err := l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &every})
		require.NoError(t, err)
		l.estate.ForgetRequests()
		time.Sleep(time.Minute)
		require.InDelta(t, 30, l.estate.RequestCounts(name)["GET /cluster/resources"], 3)
		tooShort := time.Second
		_, err = l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &tooShort})
		var field *config.FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, "pollingInterval", field.Field)
		require.Equal(t, every, l.monitor.Settings().PollingInterval)
	})
}

func TestWrongKeyStopsTheStartAndChangesNothing(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		l.add(0)
		before, err := l.store.Heads(l.t.Context(), "system")
		require.NoError(t, err)
		l.options.Keyring = config.NewKeyring(config.NewKey())
		l.reopen()
		require.ErrorIs(t, l.monitor.Load(l.t.Context()), config.ErrWrongKey)
		after, err := l.store.Heads(l.t.Context(), "system")
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func TestReplacedKeySealsEverythingAnew(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		oldKey, newKey := config.NewKey(), config.NewKey()
		l.store = store.NewMemory()
		defer func() { require.NoError(t, l.store.Close()) }()
		l.options.Store = l.store
		for _, keys := range []*config.Keyring{
			config.NewKeyring(oldKey), config.NewKeyring(newKey, oldKey), config.NewKeyring(newKey),
		} {
			l.options.Keyring = keys
			l.reopen()
			require.NoError(t, l.monitor.Load(l.t.Context()))
			if len(l.monitor.Snapshot().Targets) == 0 {
				l.add(0)
			}
		}
		require.NoError(t, l.monitor.Poll(l.t.Context()))
		require.Equal(t, pulse.Connected, l.state("pve-0").Status, l.state("pve-0").Reason)
	})
}
