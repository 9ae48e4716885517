package pulse_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestUnchangingEstateIsWrittenEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 1}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.connected(id)
		time.Sleep(time.Minute) // at first the details of nodes and guests come in
		before, learned := l.hooks.writesOf(string(id), "observation"), l.hooks.writesOf(string(id), "learned")
		time.Sleep(20 * time.Minute)
		require.InDelta(t, 4, l.hooks.writesOf(string(id), "observation")-before, 1)
		require.Equal(t, learned, l.hooks.writesOf(string(id), "learned"), "nothing new was learned")
	})
}

func TestFlappingEstateIsWrittenTwiceAMinuteAtMost(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 6}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.connected(id)
		cluster := l.estate.Clusters()[0].Name
		vmid := runningGuest(l.state(id).Observation)
		before := l.hooks.writesOf(string(id), "observation")
		for range 10 {
			require.NoError(t, l.estate.StopGuest(cluster, vmid))
			time.Sleep(11 * time.Second)
			require.NoError(t, l.estate.StartGuest(cluster, vmid))
			time.Sleep(7 * time.Second)
		}
		written := l.hooks.writesOf(string(id), "observation") - before
		require.LessOrEqual(t, written, 7)
		require.Greater(t, written, 2, "a change of structure is written before its five minutes")
	})
}

func TestStopWritesTheNewestObservation(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		stop := l.run()
		id := l.add(0).ID
		l.connected(id)
		time.Sleep(95 * time.Second)
		stop()
		value, ok := l.value(string(id), "observation")
		require.True(t, ok)
		stored, err := estate.DecodeObservation(value)
		require.NoError(t, err)
		require.True(t, stored.Poll.Ended.Equal(l.state(id).Observation.Poll.Ended))
	})
}

func TestUnusableReadingsAreToldAndReplaced(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
		l.add(0)
		l.add(1)
		l.poll()
		other, _ := l.value("pve-1", "observation")
		for name, value := range map[string]string{
			"damaged": `{"version":1,"nodes":`, "another target's": string(other), "newer": `{"version":99}`,
		} {
			l.put("pve-0", "observation", value)
			l.put("pve-0", "learned", `{"trust":`)
			l.reopen()
			before := len(l.logs.String())
			require.NoError(t, l.monitor.Load(l.t.Context()), name)
			logged := l.logs.String()[before:]
			require.Contains(t, logged, "key=observation", name)
			require.Contains(t, logged, "key=learned", name)
			require.Nil(t, l.state("pve-0").Observation, name)
			require.Empty(t, l.state("pve-0").Members, name)
			time.Sleep(10 * time.Second)
			l.poll()
			value, _ := l.value("pve-0", "observation")
			stored, err := estate.DecodeObservation(value)
			require.NoError(t, err, name)
			require.Equal(t, estate.TargetID("pve-0"), stored.Target, name)
		}
	})
}

func TestDamagedConfigurationStopsTheStartAndStays(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"target/pve-0", "settings", "counters", "key-check"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			inLab(t, sim.Config{}, func(l *lab) {
				l.add(0)
				l.put("system", key, "{")
				before, err := l.store.Heads(l.t.Context(), "system")
				require.NoError(t, err)
				l.reopen()
				err = l.monitor.Load(l.t.Context())
				require.ErrorIs(t, err, config.ErrDamaged)
				require.NotErrorIs(t, err, pulse.ErrUnavailable)
				require.Empty(t, l.monitor.Snapshot().Targets)
				after, err := l.store.Heads(l.t.Context(), "system")
				require.NoError(t, err)
				require.Equal(t, before, after)
			})
		})
	}
}

func TestNewerObservationOfAnotherMonitorStays(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		time.Sleep(10 * time.Second)
		l.hooks.full()
		require.ErrorIs(t, l.monitor.Poll(l.t.Context()), errDisk)
		l.hooks.heal()
		time.Sleep(time.Second)
		first := l.monitor
		l.options.Store = l.store
		l.reopen()
		l.poll()
		newest := l.state(id).Observation.Poll.Ended
		require.NoError(t, first.Poll(l.t.Context()), "nothing is due, but its observation is")
		value, _ := l.value(string(id), "observation")
		stored, err := estate.DecodeObservation(value)
		require.NoError(t, err)
		require.True(t, stored.Poll.Ended.Equal(newest))
	})
}

func TestFailingStoreChangesNothingAndIsToldAndHeals(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 4}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.connected(id)
		l.hooks.full()
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Name: new("other")})
		require.ErrorIs(t, err, pulse.ErrUnavailable)
		require.NotEqual(t, "other", l.state(id).Config.Name)
		require.False(t, l.monitor.Ready().Ready)
		require.ErrorIs(t, l.monitor.Diagnostics(l.t.Context()).StoreError, errDisk)
		time.Sleep(30 * time.Second)
		require.Equal(t, pulse.Connected, l.state(id).Status, "reading goes on")
		require.False(t, l.monitor.Ready().Ready)
		l.hooks.heal()
		l.within(11*time.Second, "ready", func() bool { return l.monitor.Ready().Ready })
		value, _ := l.value(string(id), "observation")
		stored, err := estate.DecodeObservation(value)
		require.NoError(t, err)
		require.Less(t, time.Since(stored.Poll.Ended), 21*time.Second, "what could not be written is")
	})
}

func TestStoreIsFoundToWorkAgainWithNothingToWrite(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		defer l.run()()
		l.hooks.full()
		_, err := l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: new(time.Minute)})
		require.ErrorIs(t, err, pulse.ErrUnavailable)
		time.Sleep(25 * time.Second)
		require.False(t, l.monitor.Ready().Ready)
		l.hooks.heal()
		l.within(11*time.Second, "ready", func() bool { return l.monitor.Ready().Ready })
	})
}

func TestCallerThatWentAwayIsNoFailingStore(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		require.NoError(t, l.monitor.Load(l.t.Context()))
		ctx, cancel := context.WithCancel(l.t.Context())
		hook(l.hooks, &l.hooks.commit, func(store.Commit) error { cancel(); return ctx.Err() })
		_, err := l.monitor.UpdateSettings(ctx, pulse.SettingsPatch{PollingInterval: new(time.Minute)})
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, l.monitor.Ready().Ready, l.monitor.Ready().Reasons)
	})
}

func TestStoredChangeIsMadeThoughTheStoreGoesAwayBehindIt(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		id := l.add(0).ID
		hook(l.hooks, &l.hooks.after, func(store.Commit) {
			hook(l.hooks, &l.hooks.read, func(string) error { return errDisk })
		})
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Name: new("renamed")})
		require.NoError(t, err)
		require.Equal(t, "renamed", l.state(id).Config.Name)
	})
}

func TestLearnedIsWrittenOnceTheStoreTakesIt(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		patch := patchOf("lab", cluster.URL(), cluster.Credentials[sim.Auditor])
		patch.Fingerprint = &cluster.Nodes[0].Fingerprint // so that no pin has to be stored first
		id := l.addPatch(estate.PVE, patch).ID
		l.hooks.full()
		time.Sleep(time.Minute)
		require.Empty(t, l.keysOf(string(id)))
		l.hooks.heal()
		time.Sleep(11 * time.Second)
		require.Equal(t, []string{"learned", "observation"}, l.keysOf(string(id)))
	})
}

func TestTargetThatCannotBeReadForPulsesOwnSakeSaysSoOnce(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		l.put(string(id), "pin/"+l.state(id).Config.Address, "nonsense")
		l.reopen()
		defer l.run()()
		l.within(time.Second, "refused", func() bool { return l.state(id).Status == pulse.Disconnected })
		require.NotEmpty(t, l.state(id).Observation.Guests, "what was known stays")
		require.True(t, l.monitor.Ready().Ready, l.monitor.Ready().Reasons)
		before := len(l.logs.String())
		time.Sleep(5 * time.Minute)
		require.NotContains(t, l.logs.String()[before:], "target cannot be read")
		fingerprint := l.estate.Clusters()[0].Nodes[0].Fingerprint
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Fingerprint: &fingerprint})
		require.NoError(t, err)
		l.connected(id)
	})
}

func TestReadinessIsAboutThisStart(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		// The clock was ahead when this was written.
		value, _ := l.value(string(id), "observation")
		stored, err := estate.DecodeObservation(value)
		require.NoError(t, err)
		stored.Poll.Ended = stored.Poll.Ended.Add(time.Hour)
		value, err = json.Marshal(stored)
		require.NoError(t, err)
		l.put(string(id), "observation", string(value))
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		require.Equal(t, []string{"not every target was read since the start"}, l.monitor.Ready().Reasons)
		l.poll()
		require.True(t, l.monitor.Ready().Ready, l.monitor.Ready().Reasons)
	})
}

func TestSupersededIsClosedByTheNextSnapshot(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		before := l.monitor.Snapshot()
		select {
		case <-before.Superseded():
			require.Fail(t, "superseded by nothing")
		default:
		}
		id := l.add(0).ID
		<-before.Superseded()
		_, ok := before.Target(id)
		require.False(t, ok, "a snapshot never changes")
		added := l.monitor.Snapshot()
		l.poll()
		<-added.Superseded()
		synctest.Wait()
		require.Greater(t, l.monitor.Snapshot().Wire.Revision, added.Wire.Revision)
	})
}
