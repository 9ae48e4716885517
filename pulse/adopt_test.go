package pulse_test

import (
	"context"
	"errors"
	"fmt"
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

// deaf is a store whose hints do not come through.
type deaf struct{ store.Store }

func (deaf) Subscribe(context.Context) (<-chan store.Hint, error) {
	return nil, errors.New("no subscriptions")
}

func TestChangesOfAnotherProcessAreFollowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wrap  func(store.Store) store.Store
		limit time.Duration
	}{
		"by hint":             {func(s store.Store) store.Store { return s }, time.Second},
		"when hints are lost": {func(s store.Store) store.Store { return deaf{s} }, 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
				editor := l.monitor
				require.NoError(t, editor.Load(l.t.Context()))
				l.options.Store = test.wrap(l.store)
				l.reopen()
				defer l.run()()
				cluster := l.estate.Clusters()[0]
				added, err := editor.AddTarget(l.t.Context(), estate.PVE,
					patchOf("lab", cluster.URL(), cluster.Credentials[sim.Auditor]))
				require.NoError(t, err)
				l.within(test.limit, "read", func() bool {
					state, _ := l.monitor.Snapshot().Target(added.ID)
					return state.Status == pulse.Connected
				})
				_, err = editor.UpdateTarget(l.t.Context(), added.ID, pulse.TargetPatch{Name: new("renamed")})
				require.NoError(t, err)
				_, err = editor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: new(time.Minute)})
				require.NoError(t, err)
				l.within(test.limit, "changed", func() bool {
					return l.state(added.ID).Config.Name == "renamed" && l.monitor.Settings().PollingInterval == time.Minute
				})
				require.NoError(t, editor.RemoveTarget(l.t.Context(), added.ID))
				l.within(test.limit, "removed", func() bool { return len(l.monitor.Snapshot().Targets) == 0 })
			})
		})
	}
}

func TestChangesOfTwoProcessesOverwriteNothing(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
		first := l.monitor
		a, b := l.add(0), l.add(1)
		l.options.Store = l.store
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))

		// Another process renames the same target between what this one reads and what it writes.
		once := true
		hook(l.hooks, &l.hooks.commit, func(c store.Commit) error {
			if once && c.Group == "system" {
				once = false
				_, err := l.monitor.UpdateTarget(l.t.Context(), a.ID, pulse.TargetPatch{Name: new("renamed")})
				return err
			}
			return nil
		})
		_, err := first.UpdateTarget(l.t.Context(), a.ID, pulse.TargetPatch{Interval: new(time.Minute)})
		require.NoError(t, err)
		state, _ := first.Snapshot().Target(a.ID)
		require.Equal(t, "renamed", state.Config.Name)
		require.Equal(t, time.Minute, state.Config.Interval)

		// Each gives another target the same name: one of them is refused.
		once = true
		hook(l.hooks, &l.hooks.commit, func(c store.Commit) error {
			if once && c.Group == "system" {
				once = false
				_, err := l.monitor.UpdateTarget(l.t.Context(), b.ID, pulse.TargetPatch{Name: new("same")})
				return err
			}
			return nil
		})
		_, err = first.UpdateTarget(l.t.Context(), a.ID, pulse.TargetPatch{Name: new("same")})
		var dup *pulse.DuplicateError
		require.ErrorAs(t, err, &dup)
		require.Equal(t, b.ID, dup.Target)
	})
}

func TestChangeOfAnotherProcessBesideAnOwnOneIsFollowed(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		first := l.monitor
		l.options.Store = l.store
		l.reopen()
		once := true
		hook(l.hooks, &l.hooks.commit, func(c store.Commit) error {
			if once && c.Group == "system" {
				once = false
				_, err := l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: new(time.Minute)})
				return err
			}
			return nil
		})
		_, err := first.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Name: new("renamed")})
		require.NoError(t, err)
		require.NoError(t, first.Poll(l.t.Context()))
		require.Equal(t, time.Minute, first.Settings().PollingInterval)
		state, _ := first.Snapshot().Target(id)
		require.Equal(t, "renamed", state.Config.Name)
	})
}

func TestEmptiedStoreTakesNothingAwayAndIsTold(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.connected(id)
		require.NoError(t, l.store.Drop(l.t.Context(), "system"))
		time.Sleep(21 * time.Second)
		require.Equal(t, pulse.Connected, l.state(id).Status)
		require.Equal(t, []string{"the stored configuration cannot be used: an earlier one is in force"},
			l.monitor.Ready().Reasons)
	})
}

func TestDamageBehindARunningMonitorLeavesItsConfigurationInForce(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		l.connected(id)
		good, _ := l.value("system", "target/"+string(id))
		l.put("system", "target/"+string(id), "{")
		time.Sleep(11 * time.Second)
		require.Equal(t, pulse.Connected, l.state(id).Status)
		require.False(t, l.monitor.Ready().Ready)
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Name: new("x")})
		require.ErrorIs(t, err, config.ErrDamaged)
		require.NotErrorIs(t, err, pulse.ErrUnavailable)
		l.put("system", "target/"+string(id), string(good))
		l.within(11*time.Second, "ready", func() bool { return l.monitor.Ready().Ready })
	})
}

func TestWhatARemovalLeftIsSweptAtTheStart(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
		removed, kept := l.add(0), l.add(1)
		l.poll()
		hook(l.hooks, &l.hooks.drop, func() error { return errDisk })
		require.NoError(t, l.monitor.RemoveTarget(l.t.Context(), removed.ID), "its configuration is gone")
		require.NotEmpty(t, l.keysOf(string(removed.ID)))
		hook(l.hooks, &l.hooks.drop, nil)
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		require.Empty(t, l.keysOf(string(removed.ID)))
		require.NotEmpty(t, l.keysOf(string(kept.ID)))
	})
}

func TestAtMostAThousandTargets(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		for i := range pulse.MaxTargets {
			l.options.Declared = append(l.options.Declared, declaredTarget("", fmt.Sprintf("node%d.example", i)))
		}
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		for i, state := range l.monitor.Snapshot().Targets {
			require.Equal(t, estate.NewTargetID(estate.PVE, i), state.Config.ID, "in the order of the file")
			require.Equal(t, fmt.Sprintf("node%d.example", i), state.Config.Name)
		}
		cluster := l.estate.Clusters()[0]
		_, err := l.monitor.AddTarget(l.t.Context(), estate.PVE,
			patchOf("one more", cluster.URL(), cluster.Credentials[sim.Auditor]))
		var field *config.FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, "host", field.Field)
	})
}

func TestManyDeadTargetsDelayNoOther(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		for i := range 300 {
			l.options.Declared = append(l.options.Declared, declaredTarget(fmt.Sprintf("t%d", i), fmt.Sprintf("192.0.2.%d:%d", i%250, 9000+i)))
		}
		cluster := l.estate.Clusters()[0]
		l.options.Declared = append(l.options.Declared, declaredTarget("last", cluster.URL()))
		last := &l.options.Declared[300]
		last.TokenID = cluster.Credentials[sim.Auditor].TokenID
		last.TokenSecret = config.NewSecret(cluster.Credentials[sim.Auditor].TokenSecret)
		l.reopen()
		defer l.run()()
		l.connected("pve-300")
	})
}

func TestSnapshotOrdersTargetsByKindAndNumber(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		for i := range 12 {
			pbs := declaredTarget(fmt.Sprintf("b%d", i), fmt.Sprintf("192.0.2.%d:8007", i))
			pbs.ID = estate.TargetID(estate.PBS)
			pbs.Collect = config.CollectAll(estate.PBS)
			l.options.Declared = append(l.options.Declared, pbs, declaredTarget(fmt.Sprintf("a%d", i), fmt.Sprintf("192.0.2.%d", i)))
		}
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		var want, got []estate.TargetID
		for _, kind := range []estate.TargetKind{estate.PVE, estate.PBS} {
			for i := range 12 {
				want = append(want, estate.NewTargetID(kind, i))
			}
		}
		for _, state := range l.monitor.Snapshot().Targets {
			got = append(got, state.Config.ID)
			require.Equal(t, pulse.Pending, state.Status)
		}
		require.Equal(t, want, got)
	})
}

func TestSettingsHandedInAndOutAreCopies(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		origins := []string{"https://a.example"}
		_, err := l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{AllowedOrigins: &origins})
		require.NoError(t, err)
		origins[0] = "https://evil.example"
		l.monitor.Settings().AllowedOrigins[0] = "https://evil.example"
		require.Equal(t, []string{"https://a.example"}, l.monitor.Settings().AllowedOrigins)
		require.Equal(t, 10*time.Second, l.monitor.Settings().PollingInterval, "what is not given stays")
		synctest.Wait()
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		require.Equal(t, []string{"https://a.example"}, l.monitor.Settings().AllowedOrigins)
	})
}
