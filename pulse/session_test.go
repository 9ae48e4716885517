package pulse_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
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

func TestSecondRunIsRefused(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		stop := l.run()
		id := l.add(0).ID
		l.connected(id)
		require.ErrorIs(t, l.monitor.Run(l.t.Context()), pulse.ErrRunning)
		stop()
		defer l.run()() // but one after the other
		time.Sleep(10 * time.Second)
		require.Less(t, time.Since(l.state(id).Observation.Poll.Ended), time.Minute)
	})
}

func TestRunEndsAtOnceWhileAPollHangs(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		cluster := l.estate.Clusters()[0]
		l.poll()
		time.Sleep(15 * time.Second)
		require.NoError(t, l.estate.NodeHang(cluster.Name, cluster.Nodes[0].Name, true))
		polled := make(chan error, 1)
		go func() { polled <- l.monitor.Poll(l.t.Context()) }()
		synctest.Wait()
		stop := l.run()
		synctest.Wait()
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), time.Second)
		require.NoError(t, <-polled)
		require.NoError(t, l.estate.NodeHang(cluster.Name, cluster.Nodes[0].Name, false))
		time.Sleep(time.Minute)
		l.poll()
		require.Equal(t, pulse.Connected, l.state(id).Status, l.state(id).Reason)
	})
}

func TestPollBesideRunReadsNothingTwice(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		l.connected(l.add(0).ID)
		time.Sleep(2 * time.Second)
		before := l.passes(0)
		l.poll()
		require.Equal(t, before, l.passes(0))
	})
}

func TestPollTakesACallerThatComesAMomentEarly(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		l.add(0)
		l.poll()
		time.Sleep(10*time.Second - 50*time.Millisecond)
		l.poll()
		require.Equal(t, 2, l.passes(0))
		time.Sleep(9 * time.Second)
		l.poll()
		require.Equal(t, 2, l.passes(0))
	})
}

func TestPollTriesRejectedCredentialsOnceAMinute(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		cluster := l.estate.Clusters()[0]
		wrong := cluster.Credentials[sim.Auditor]
		wrong.TokenSecret = "00000000-0000-0000-0000-000000000000"
		id := l.addPatch(estate.PVE, patchOf("lab", cluster.URL(), wrong)).ID
		for range 5 {
			l.poll()
			time.Sleep(10 * time.Second)
		}
		require.Equal(t, 1, l.state(id).Observation.Poll.Failures)
		time.Sleep(10 * time.Second)
		l.poll()
		require.Equal(t, 2, l.state(id).Observation.Poll.Failures)
	})
}

// held blocks the commits that match until the returned function lets them go; waiting tells how many wait.
func held(h *hookStore, matches func(store.Commit) bool) (waiting <-chan struct{}, release func()) {
	arrived, gate := make(chan struct{}, 8), make(chan struct{})
	hook(h, &h.commit, func(c store.Commit) error {
		if matches(c) {
			arrived <- struct{}{}
			<-gate
		}
		return nil
	})
	return arrived, func() { close(gate) }
}

func TestRemovalWaitsForAPassThatStillWrites(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		address := l.estate.Clusters()[0].URL()
		waiting, release := held(l.hooks, func(c store.Commit) bool { return writes(c, "pin/"+address) })
		defer l.run()()
		id := l.add(0).ID
		<-waiting
		removed := make(chan error, 1)
		go func() { removed <- l.monitor.RemoveTarget(l.t.Context(), id) }()
		synctest.Wait()
		release()
		require.NoError(t, <-removed)
		synctest.Wait()
		require.Empty(t, l.keysOf(string(id)))
	})
}

func TestRemovalWaitsForAFlushThatStillWrites(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		waiting, release := held(l.hooks, func(c store.Commit) bool { return writes(c, "observation") })
		stop := l.run()
		// Given its fingerprint, a target has nothing stored before its first observation.
		cluster := l.estate.Clusters()[0]
		patch := patchOf("lab", cluster.URL(), cluster.Credentials[sim.Auditor])
		patch.Fingerprint = &cluster.Nodes[0].Fingerprint
		id := l.addPatch(estate.PVE, patch).ID
		<-waiting
		removed := make(chan error, 1)
		go func() { removed <- l.monitor.RemoveTarget(l.t.Context(), id) }()
		synctest.Wait()
		release()
		require.NoError(t, <-removed)
		stop()
		require.Empty(t, l.keysOf(string(id)))
	})
}

func TestSettingsChangedWhileASessionOpensAreItsOwn(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		arrived, gate := make(chan struct{}, 1), make(chan struct{})
		hook(l.hooks, &l.hooks.read, func(group string) error {
			if group == string(id) {
				select {
				case arrived <- struct{}{}:
					<-gate
				default:
				}
			}
			return nil
		})
		polled := make(chan error, 1)
		go func() { polled <- l.monitor.Poll(l.t.Context()) }()
		<-arrived
		_, err := l.monitor.UpdateSettings(l.t.Context(), pulse.SettingsPatch{PollingInterval: new(2 * time.Second)})
		require.NoError(t, err)
		close(gate)
		require.NoError(t, <-polled)
		l.poll()
		before := l.passes(0)
		time.Sleep(2 * time.Second)
		l.poll()
		require.Equal(t, before+1, l.passes(0))
	})
}

func TestTwoChangesAtOnceAreBothMade(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		changed := make(chan error, 2)
		go func() {
			_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Name: new("renamed")})
			changed <- err
		}()
		go func() {
			_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Interval: new(30 * time.Second)})
			changed <- err
		}()
		require.NoError(t, <-changed)
		require.NoError(t, <-changed)
		got := l.state(id).Config
		require.Equal(t, "renamed", got.Name)
		require.Equal(t, 30*time.Second, got.Interval)
		l.connected(id)
	})
}

func TestChangeThatChangesNothingWritesNothingAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		added := l.add(0)
		l.connected(added.ID)
		before, passes := l.hooks.writesOf("system", "target/"+string(added.ID)), l.passes(0)
		same, err := l.monitor.UpdateTarget(l.t.Context(), added.ID, pulse.TargetPatch{Name: &added.Name})
		require.NoError(t, err)
		require.Equal(t, added, same)
		synctest.Wait()
		require.Equal(t, before, l.hooks.writesOf("system", "target/"+string(added.ID)))
		require.Equal(t, passes, l.passes(0))
	})
}

// connections counts what is open.
type connections struct{ open atomic.Int64 }

func (c *connections) through(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.open.Add(1)
		return &countedConn{Conn: conn, closed: func() { c.open.Add(-1) }}, nil
	}
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

type countedConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *countedConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

func TestChangedTargetOfAPollingMonitorLeavesNoConnection(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 4}, func(l *lab) {
		var c connections
		l.options.DialContext = c.through(l.estate.DialContext)
		l.reopen()
		id := l.add(0).ID
		l.poll()
		require.Positive(t, c.open.Load(), "the next Poll uses them")
		require.NoError(t, l.monitor.RemoveTarget(l.t.Context(), id))
		synctest.Wait()
		require.Zero(t, c.open.Load())
	})
}

func TestPassThatIsCalledOffIsNoNews(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		before := l.state(id).Observation
		time.Sleep(15 * time.Second)
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeHang(cluster.Name, cluster.Nodes[0].Name, true))
		ctx, cancel := context.WithTimeout(l.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, l.monitor.Poll(ctx), context.DeadlineExceeded)
		require.Same(t, before, l.state(id).Observation)
	})
}

func TestMissingPrivilegesAreGrantedToTheConfiguredToken(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		limited := cluster.Credentials[sim.Limited]
		id := l.addPatch(estate.PVE, patchOf("lab", cluster.URL(), limited)).ID
		l.within(time.Minute, "privileges known", func() bool {
			obs := l.state(id).Observation
			return obs != nil && len(obs.Permissions.Missing) > 0
		})
		require.Contains(t, l.state(id).Observation.Permissions.Missing[0].Fix, limited.TokenID)
	})
}

func TestChangedCredentialIsAskedAtOnceWhatItMaySee(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		missing := func(id estate.TargetID) int {
			obs := l.state(id).Observation
			if obs == nil || obs.Permissions.At.IsZero() {
				return -1
			}
			return len(obs.Permissions.Missing)
		}
		id := l.addPatch(estate.PVE, patchOf("lab", cluster.URL(), cluster.Credentials[sim.Limited])).ID
		l.within(time.Minute, "privileges are missing", func() bool { return missing(id) > 0 })
		admin := patchOf("lab", cluster.URL(), cluster.Credentials[sim.Admin])
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, admin)
		require.NoError(t, err)
		l.within(15*time.Second, "none is missing", func() bool { return missing(id) == 0 })
	})
}

func TestNoSecretIsLoggedOrTold(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		const token, password = "5ec2e700-0000-0000-0000-000000000000", "hunter2-hunter2"
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		secret := config.NewSecret(token)
		address := cluster.URL()
		id := l.addPatch(estate.PVE, pulse.TargetPatch{
			Address: &address, TokenID: new("monitor@pve!pulse"), TokenSecret: &secret,
		}).ID
		var told []string
		tell := func(err error) {
			require.Error(t, err)
			told = append(told, err.Error())
		}
		l.within(5*time.Second, "rejected", func() bool { return l.state(id).Status == pulse.Disconnected })
		told = append(told, l.state(id).Reason)
		_, err := l.monitor.ProbeTarget(l.t.Context(), id)
		tell(err)
		_, err = l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{TokenSecret: new(config.NewSecret(token + ";"))})
		tell(err)
		_, err = l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Password: new(config.NewSecret(password))})
		tell(err)
		_, err = l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{
			User: new("root@pam"), Password: new(config.NewSecret(password)),
		})
		require.NoError(t, err)
		l.estate.Stop()
		l.hooks.full()
		_, err = l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{TokenID: new("a@pve!b"), TokenSecret: &secret})
		tell(err)
		time.Sleep(time.Minute)
		l.hooks.heal()
		for _, text := range append(told, l.state(id).Reason, l.logs.String(), string(l.monitor.Snapshot().Wire.State().Plain())) {
			require.NotContains(t, text, token)
			require.NotContains(t, text, password)
		}
	})
}
