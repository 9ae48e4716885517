package pulse_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// replica is one of several monitors on a shared store.
type replica struct {
	*pulse.Monitor
	store *hookStore
	stop  func()
}

// replicas starts n monitors that share the lab's store. They are stopped with the test.
func (l *lab) replicas(n int, roles ...pulse.Role) []*replica {
	l.t.Helper()
	all := make([]*replica, n)
	for i := range all {
		all[i] = l.replica(i, append(roles, make([]pulse.Role, n)...)[i])
	}
	return all
}

func (l *lab) replica(n int, role pulse.Role) *replica {
	l.t.Helper()
	r := &replica{store: &hookStore{Store: l.store.(*store.Memory).Replica()}}
	options := l.options
	options.Store, options.Shared, options.Role = r.store, true, role
	options.Replica = string(rune('a' + n))
	m, err := pulse.New(options)
	require.NoError(l.t, err)
	r.Monitor = m
	require.NoError(l.t, m.Load(l.t.Context()))
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	r.stop = func() {
		cancel()
		require.NoError(l.t, <-done)
		done <- nil
	}
	return r
}

func stopAll(all []*replica) {
	for _, r := range all {
		r.stop()
	}
}

func addTo(l *lab, m *pulse.Monitor, n int) config.Target {
	l.t.Helper()
	cluster := l.estate.Clusters()[n]
	t, err := m.AddTarget(l.t.Context(), estate.PVE, patchOf(cluster.Name, cluster.URL(), cluster.Credentials[sim.Auditor]))
	require.NoError(l.t, err)
	return t
}

// shows tells whether a replica shows a target as read.
func (r *replica) shows(id estate.TargetID) bool {
	state, ok := r.Snapshot().Target(id)
	return ok && state.Status == pulse.Connected
}

func (r *replica) observation(l *lab, id estate.TargetID) *estate.Observation {
	l.t.Helper()
	state, ok := r.Snapshot().Target(id)
	require.True(l.t, ok)
	return state.Observation
}

func TestReplicasShareTheWorkAndShowTheSame(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 6, NodesPerCluster: 1, Guests: 6}, func(l *lab) {
		all := l.replicas(3)
		defer stopAll(all)
		for n := range 6 {
			addTo(l, all[n%3].Monitor, n)
		}
		for _, r := range all {
			for n := range 6 {
				id := estate.NewTargetID(estate.PVE, n)
				l.within(15*time.Second, string(id)+" everywhere", func() bool { return r.shows(id) })
			}
		}
		time.Sleep(10 * time.Second)
		before := make([]int, 6)
		for n := range before {
			before[n] = l.passes(n)
		}
		cycles := []int64{all[0].Diagnostics(l.t.Context()).Cycles, all[1].Diagnostics(l.t.Context()).Cycles, all[2].Diagnostics(l.t.Context()).Cycles}
		time.Sleep(10 * time.Minute)
		for n := range before {
			require.InDelta(l.t, 60, l.passes(n)-before[n], 4, "cluster %d", n)
		}
		for i, r := range all {
			require.InDelta(l.t, 120, r.Diagnostics(l.t.Context()).Cycles-cycles[i], 8, "replica %d", i)
		}
		time.Sleep(time.Second)
		for n := range 6 {
			id := estate.NewTargetID(estate.PVE, n)
			want, err := json.Marshal(all[0].observation(l, id))
			require.NoError(l.t, err)
			for _, r := range all[1:] {
				got, err := json.Marshal(r.observation(l, id))
				require.NoError(l.t, err)
				require.JSONEq(l.t, string(want), string(got))
			}
		}
	})
}

func TestWorkOfADeadReplicaMovesWithinTwoCycles(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 4, NodesPerCluster: 1, Guests: 4}, func(l *lab) {
		all := l.replicas(2)
		defer stopAll(all)
		for n := range 4 {
			addTo(l, all[0].Monitor, n)
		}
		time.Sleep(30 * time.Second)
		require.NoError(l.t, all[0].store.Close()) // it is cut off from the others
		time.Sleep(20 * time.Second)
		for n := range 4 {
			obs := all[1].observation(l, estate.NewTargetID(estate.PVE, n))
			require.Less(l.t, time.Since(obs.Poll.Ended), 12*time.Second, "target %d", n)
		}
		require.False(l.t, all[0].Ready().Ready)
	})
}

func TestPassThatWasOvertakenIsDropped(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 2}, func(l *lab) {
		all := l.replicas(1)
		defer stopAll(all)
		id := addTo(l, all[0].Monitor, 0).ID
		l.within(5*time.Second, "read", func() bool { return all[0].shows(id) })
		time.Sleep(3 * time.Second)
		newer := *all[0].observation(l, id)
		newer.Cluster.Name = "from another process"
		value, err := json.Marshal(newer)
		require.NoError(l.t, err)
		var once bool
		hook(all[0].store, &all[0].store.commit, func(c store.Commit) error {
			if c.Group == string(id) && !once {
				once = true
				l.put(string(id), "observation", string(value)) // while the pass was on its way
			}
			return nil
		})
		l.within(30*time.Second, "the other one's", func() bool {
			return all[0].observation(l, id).Cluster.Name == "from another process"
		})
		stored, ok := l.value(string(id), "observation")
		require.True(l.t, ok)
		require.JSONEq(l.t, string(value), string(stored), "the older pass overwrote nothing")
	})
}

func TestRefreshFollowsWithoutRunning(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, NodesPerCluster: 1, Guests: 2}, func(l *lab) {
		all := l.replicas(1)
		defer stopAll(all)
		options := l.options
		options.Store, options.Shared, options.Role = l.hooks, true, pulse.RoleAPI
		m, err := pulse.New(options)
		require.NoError(l.t, err)
		require.NoError(l.t, m.Refresh(l.t.Context()))
		id := addTo(l, m, 0).ID
		l.within(10*time.Second, "read elsewhere", func() bool { return all[0].shows(id) })
		require.NoError(l.t, m.Refresh(l.t.Context()))
		state, ok := m.Snapshot().Target(id)
		require.True(l.t, ok)
		require.Equal(l.t, pulse.Connected, state.Status)
		require.Len(l.t, state.Members, 1, "what the poller learned is known here too")
		require.True(l.t, m.Ready().Ready)
		require.Zero(l.t, m.Diagnostics(l.t.Context()).Cycles)

		l.hooks.fullAndUnreadable()
		time.Sleep(5 * time.Minute)
		require.ErrorIs(l.t, m.Refresh(l.t.Context()), pulse.ErrUnavailable)
		state, _ = m.Snapshot().Target(id)
		require.Equal(l.t, pulse.Disconnected, state.Status, "its age shows")
		require.False(l.t, m.Ready().Ready)
		l.hooks.healAll()
		require.NoError(l.t, m.Refresh(l.t.Context()))
		state, _ = m.Snapshot().Target(id)
		require.Equal(l.t, pulse.Connected, state.Status)
	})
}

func TestConfigurationIsPutBackIntoAnEmptiedStore(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 3, NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		all := l.replicas(2)
		defer stopAll(all)
		for n := range 3 {
			addTo(l, all[0].Monitor, n)
		}
		interval := 7 * time.Second
		_, err := all[0].UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &interval})
		require.NoError(l.t, err)
		time.Sleep(20 * time.Second)
		pin, ok := l.value("pve-0", "pin/"+l.estate.Clusters()[0].URL())
		require.True(l.t, ok)
		l.store.(*store.Memory).Flush()
		time.Sleep(time.Minute)
		for _, r := range all {
			require.True(l.t, r.Ready().Ready, r.Ready().Reasons)
			require.Len(l.t, r.Snapshot().Targets, 3)
			require.Equal(l.t, interval, r.Settings().PollingInterval)
			for n := range 3 {
				require.True(l.t, r.shows(estate.NewTargetID(estate.PVE, n)))
			}
		}
		again, ok := l.value("pve-0", "pin/"+l.estate.Clusters()[0].URL())
		require.True(l.t, ok, "the certificate met at first contact stays known")
		require.Equal(l.t, pin, again)
		l.reopen()
		require.NoError(l.t, l.monitor.Load(l.t.Context()))
		require.Len(l.t, l.monitor.Snapshot().Targets, 3)
		_, err = all[1].UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &interval})
		require.NoError(l.t, err)
	})
}

// Whoever starts on an emptied store finds nothing, and must not have the others forget what they know.
func TestConfigurationIsPutBackOverThatOfANewcomer(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 3, NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		all := l.replicas(2)
		defer stopAll(all)
		for n := range 3 {
			addTo(l, all[0].Monitor, n)
		}
		time.Sleep(20 * time.Second)
		l.store.(*store.Memory).Flush()
		l.reopen()
		require.NoError(l.t, l.monitor.Load(l.t.Context()))
		require.Empty(l.t, l.monitor.Snapshot().Targets)
		interval := 7 * time.Second
		_, err := all[0].UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &interval})
		require.ErrorIs(l.t, err, pulse.ErrUnavailable, "a change must not be made on nothing")
		time.Sleep(time.Minute)
		for _, r := range all {
			require.True(l.t, r.Ready().Ready, r.Ready().Reasons)
			require.Len(l.t, r.Snapshot().Targets, 3)
		}
		_, err = all[1].UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: &interval})
		require.NoError(l.t, err)
		l.reopen()
		require.NoError(l.t, l.monitor.Load(l.t.Context()))
		require.Len(l.t, l.monitor.Snapshot().Targets, 3)
	})
}

func TestRemovedTargetDoesNotComeBack(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 1}, func(l *lab) {
		all := l.replicas(2)
		defer stopAll(all)
		id := addTo(l, all[0].Monitor, 0).ID
		l.within(10*time.Second, "read", func() bool { return all[0].shows(id) && all[1].shows(id) })
		require.NoError(l.t, all[0].RemoveTarget(l.t.Context(), id))
		time.Sleep(time.Minute)
		require.Empty(l.t, all[1].Snapshot().Targets)
		require.Empty(l.t, l.keysOf(string(id)))
	})
}

func TestRevisionIsReachedOnEveryReplica(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 1}, func(l *lab) {
		all := l.replicas(2, pulse.RoleAll, pulse.RoleAPI)
		defer stopAll(all)
		addTo(l, all[0].Monitor, 0)
		require.NoError(l.t, all[1].AwaitRevision(l.t.Context(), all[0].Revision()))
		require.Len(l.t, all[1].Snapshot().Targets, 1)

		ctx, cancel := context.WithTimeout(l.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(l.t, all[1].AwaitRevision(ctx, "0123456789abcdef.1"), context.DeadlineExceeded)
		for _, bad := range []string{"", "1", "x.1", "0123456789abcdef", "0123456789abcdef.", "0123456789abcdef.-1", "0123456789abcdef.1.2"} {
			require.ErrorIs(l.t, all[1].AwaitRevision(l.t.Context(), bad), pulse.ErrBadRevision, bad)
		}
	})
}

func TestRolesAreJudged(t *testing.T) {
	t.Parallel()
	for _, role := range []pulse.Role{"", pulse.RoleAll, pulse.RoleAPI, pulse.RolePoller} {
		_, err := pulse.ParseRole(string(role))
		require.NoError(t, err)
	}
	_, err := pulse.ParseRole("boss")
	require.EqualError(t, err, `unknown role "boss": want all, api or poller`)
	_, err = pulse.New(pulse.Options{Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey()), Role: pulse.RoleAPI})
	require.ErrorContains(t, err, "shared store")
}

func TestClockThatWasAheadHoldsNothingUp(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 2}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		ahead := *l.state(id).Observation
		ahead.Poll.Started = ahead.Poll.Started.Add(time.Hour)
		ahead.Poll.Ended = ahead.Poll.Ended.Add(time.Hour)
		value, err := json.Marshal(ahead)
		require.NoError(l.t, err)
		l.put(string(id), "observation", string(value))
		before := l.passes(0)
		all := l.replicas(1)
		defer stopAll(all)
		time.Sleep(12 * time.Second)
		require.GreaterOrEqual(l.t, l.passes(0)-before, 2)
		require.Less(l.t, time.Until(all[0].observation(l, id).Poll.Ended), time.Second)
	})
}

func TestStoreThatHangsIsTold(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 2}, func(l *lab) {
		all := l.replicas(1)
		defer stopAll(all)
		id := addTo(l, all[0].Monitor, 0).ID
		l.within(5*time.Second, "read", func() bool { return all[0].shows(id) })
		all[0].store.hang()
		time.Sleep(30 * time.Second)
		require.False(l.t, all[0].Ready().Ready)
		require.Less(l.t, time.Since(all[0].observation(l, id).Poll.Ended), 20*time.Second, "its share is read all the same")
		all[0].store.healAll()
		time.Sleep(30 * time.Second)
		require.True(l.t, all[0].Ready().Ready)
	})
}

func TestPassThatTheStoreRefusesIsShownHere(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 2}, func(l *lab) {
		all := l.replicas(1)
		defer stopAll(all)
		id := addTo(l, all[0].Monitor, 0).ID
		hook(all[0].store, &all[0].store.commit, func(c store.Commit) error {
			if c.Group == string(id) && (writes(c, "observation") || writes(c, "readings")) {
				return store.ErrInvalid
			}
			return nil
		})
		time.Sleep(time.Minute)
		require.True(l.t, all[0].shows(id))
		require.Less(l.t, time.Since(all[0].observation(l, id).Poll.Ended), 12*time.Second)
		require.True(l.t, all[0].Ready().Ready, "the store works")
		require.NotContains(l.t, l.logs.String(), "the store failed")
		require.Contains(l.t, l.logs.String(), "not shared")
	})
}
