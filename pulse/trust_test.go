package pulse_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestFirstContactOfTwoMonitorsStoresOnePin(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		target := l.add(0)
		key := "pin/" + target.Address
		waiting, release := held(l.hooks, func(c store.Commit) bool { return writes(c, key) })
		first := l.monitor
		polled := make(chan error, 1)
		go func() { polled <- first.Poll(l.t.Context()) }()
		<-waiting // it has seen a certificate that is replaced before its pin is stored
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.ReplaceCertificate(cluster.Name, cluster.Nodes[0].Name))
		l.options.Store = l.store
		l.reopen()
		l.poll()
		release()
		require.NoError(t, <-polled)
		pin, _ := l.value(string(target.ID), key)
		require.Equal(t, l.estate.Clusters()[0].Nodes[0].Fingerprint, string(pin))
		for _, m := range []*pulse.Monitor{first, l.monitor} {
			state, _ := m.Snapshot().Target(target.ID)
			require.Equal(t, pulse.Connected, state.Status, state.Reason)
		}
	})
}

func TestMovedTargetForgetsItsPinsAndMembers(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
		stop := l.run()
		defer func() { stop() }()
		id := l.add(0).ID
		l.connected(id)
		time.Sleep(11 * time.Second)
		other := l.estate.Clusters()[1]
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, patchOf("moved", other.URL(), other.Credentials[sim.Auditor]))
		require.NoError(t, err)
		l.connected(id)
		time.Sleep(11 * time.Second)
		require.Equal(t, []string{"learned", "observation", "pin/" + other.URL(), "trust"}, l.keysOf(string(id)))
		require.Equal(t, other.Nodes[0].Name, l.state(id).Members[0].Name)
		stop()
		l.reopen()
		stop = l.run()
		require.Equal(t, other.Nodes[0].Name, l.state(id).Members[0].Name, "what was learned anew is kept")
	})
}

func TestAcceptedCertificateIsMetAnewWithoutAFingerprint(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		target := l.add(0)
		l.poll()
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.ReplaceCertificate(cluster.Name, cluster.Nodes[0].Name))
		offered := l.estate.Clusters()[0].Nodes[0].Fingerprint
		for _, fingerprint := range []string{offered, ""} {
			_, err := l.monitor.UpdateTarget(l.t.Context(), target.ID, pulse.TargetPatch{Fingerprint: &fingerprint})
			require.NoError(t, err)
			l.poll()
			require.Equal(t, pulse.Connected, l.state(target.ID).Status, l.state(target.ID).Reason)
		}
		pin, _ := l.value(string(target.ID), "pin/"+target.Address)
		require.Equal(t, offered, string(pin))
	})
}

func TestRedeclaredTargetForgetsWhatItTrusted(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Clusters: 2, Guests: 6}, func(l *lab) {
		for n := range 2 {
			cluster := l.estate.Clusters()[n]
			declared := declaredTarget("lab", cluster.URL())
			declared.TokenID = cluster.Credentials[sim.Auditor].TokenID
			declared.TokenSecret = config.NewSecret(cluster.Credentials[sim.Auditor].TokenSecret)
			l.options.Declared = []config.Target{declared}
			l.reopen()
			require.NoError(t, l.monitor.Load(l.t.Context()))
			require.Empty(t, l.state("pve-0").Members, "nothing is learned about this address")
			l.poll()
			require.Equal(t, pulse.Connected, l.state("pve-0").Status, l.state("pve-0").Reason)
			require.Equal(t, cluster.Nodes[0].Name, l.state("pve-0").Members[0].Name)
			require.Contains(t, l.keysOf("pve-0"), "pin/"+cluster.URL())
		}
		require.NotContains(t, l.keysOf("pve-0"), "pin/"+l.estate.Clusters()[0].URL())
	})
}

func TestLearnedMembersAreUsedWithTheConfiguredOneDownAtTheStart(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 6}, func(l *lab) {
		id := l.add(0).ID
		l.poll()
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeDown(cluster.Name, cluster.Nodes[0].Name))
		time.Sleep(time.Hour)
		l.reopen()
		defer l.run()()
		l.within(15*time.Second, "read through another member", func() bool {
			return l.state(id).Observation.Poll.OK() && time.Since(l.state(id).Observation.Poll.Ended) < time.Minute
		})
		require.NotEqual(t, cluster.URL(), l.state(id).Observation.Poll.Via)
		require.Equal(t, estate.NodeOnline, l.state(id).Observation.Node(cluster.Nodes[1].Name).Status)
	})
}
