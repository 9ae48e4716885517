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

func declaredTarget(name, host string) config.Target {
	t := config.Target{
		ID: estate.TargetID(estate.PVE), Name: name, Address: host, Source: "/etc/pulse/targets.yaml",
		TokenID: "monitor@pve!pulse", TokenSecret: config.NewSecret("secret"), Collect: config.CollectAll(estate.PVE),
	}
	t.Normalize()
	return t
}

func TestDeclaredTargetsFollowTheirFile(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		open := func(declared ...config.Target) []pulse.TargetState {
			l.options.Declared = declared
			l.reopen()
			require.NoError(t, l.monitor.Load(l.t.Context()))
			return l.monitor.Snapshot().Targets
		}
		first := open(declaredTarget("a", "192.0.2.1"), declaredTarget("b", "192.0.2.2"))
		require.Len(t, first, 2)

		moved := open(declaredTarget("a", "192.0.2.9"), declaredTarget("renamed", "192.0.2.2"))
		require.Len(t, moved, 2)
		for i := range moved {
			require.Equal(t, first[i].Config.ID, moved[i].Config.ID)
			require.Equal(t, first[i].Config.Slug, moved[i].Config.Slug)
		}
		require.Equal(t, "https://192.0.2.9:8006", moved[0].Config.Address)
		require.Equal(t, "renamed", moved[1].Config.Name)

		name := "x"
		_, err := l.monitor.UpdateTarget(l.t.Context(), moved[0].Config.ID, pulse.TargetPatch{Name: &name})
		var declared *pulse.DeclaredError
		require.ErrorAs(t, err, &declared)
		require.Equal(t, "/etc/pulse/targets.yaml", declared.File)
		require.ErrorAs(t, l.monitor.RemoveTarget(l.t.Context(), moved[0].Config.ID), &declared)

		require.Len(t, open(declaredTarget("a", "192.0.2.9")), 1)
		require.Empty(t, open())
	})
}

func TestManyDeclaredTargetsApply(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		for i := range 200 {
			host := "node" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".example"
			l.options.Declared = append(l.options.Declared, declaredTarget(host, host))
		}
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		require.Len(t, l.monitor.Snapshot().Targets, 200)
	})
}

func TestReplacedCertificateIsRefusedUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{NodesPerCluster: 1, Guests: 3}, func(l *lab) {
		stop := l.run()
		id := l.add(0).ID
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
		stop()
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.ReplaceCertificate(cluster.Name, cluster.Nodes[0].Name))
		l.reopen()
		defer l.run()()
		l.within(5*time.Second, "refused", func() bool { return l.state(id).Observation.Poll.Reason == estate.ReasonTLS })
		offered := l.estate.Clusters()[0].Nodes[0].Fingerprint
		require.Contains(t, l.state(id).Reason, offered)
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Fingerprint: &offered})
		require.NoError(t, err)
		l.within(time.Second, "connected", func() bool { return l.state(id).Status == pulse.Connected })
	})
}
