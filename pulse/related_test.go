package pulse_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestTwoTargetsOfOneClusterAreNoticed(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 6}, func(l *lab) {
		defer l.run()()
		cluster := l.estate.Clusters()[0]
		credential := cluster.Credentials[sim.Auditor]
		l.estate.Stop() // so that nothing can tell yet that they are one
		first := l.addPatch(estate.PVE, patchOf("first", cluster.Nodes[0].URL, credential)).ID
		second := l.addPatch(estate.PVE, patchOf("second", cluster.Nodes[1].URL, credential)).ID
		require.NoError(l.t, l.estate.Start(l.t.Context()))
		l.within(3*time.Minute, "the second one says so", func() bool { return l.state(second).Status == pulse.Degraded })
		require.Contains(l.t, l.state(second).Reason, "first (pve-0)")
		require.Equal(l.t, pulse.Connected, l.state(first).Status)

		name := "renamed"
		_, err := l.monitor.UpdateTarget(l.t.Context(), first, pulse.TargetPatch{Name: &name})
		require.NoError(l.t, err, "a change of something else is not refused for it")
	})
}

func TestOneAddressBelongsToOneTargetOfAnyKind(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		first := l.add(0)
		cluster := l.estate.Clusters()[0]
		_, err := l.monitor.AddTarget(l.t.Context(), estate.PBS, patchOf("x", cluster.URL(), cluster.Credentials[sim.Auditor]))
		var dup *pulse.DuplicateError
		require.ErrorAs(l.t, err, &dup)
		require.Equal(l.t, first.ID, dup.Target)
	})
}

func TestGoodProbeEndsTheWaitAfterFailures(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		defer l.run()()
		id := l.add(0).ID
		name := l.estate.Clusters()[0].Name
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		require.NoError(l.t, l.estate.Unauthorized(name, true))
		l.within(30*time.Second, "rejected", func() bool { return l.state(id).Status == pulse.Disconnected })
		require.NoError(l.t, l.estate.Unauthorized(name, false))
		_, err := l.monitor.ProbeTarget(l.t.Context(), id)
		require.NoError(l.t, err)
		l.within(time.Second, "connected again", func() bool { return l.state(id).Status == pulse.Connected })
	})
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Guests: 3}, func(l *lab) {
		bad := l.estate.Clusters()[0].Credentials[sim.Auditor]
		bad.TokenSecret = config.NewKey().Encode()
		l.addPatch(estate.PVE, patchOf("x", l.estate.Clusters()[0].URL(), bad))
		require.NoError(l.t, l.monitor.Poll(l.t.Context()))
		require.NotContains(l.t, string(l.monitor.Snapshot().Wire.State().Plain()), `"totalApiCalls":0`)
		require.NotContains(l.t, string(l.monitor.Snapshot().Wire.State().Plain()), `"failedApiCalls":0`)
	})
}
