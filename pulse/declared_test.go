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

func TestDeclaredTargetsThatSwapPlacesStayThemselves(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		open := func(declared ...config.Target) map[estate.TargetID]string {
			l.options.Declared = declared
			l.reopen()
			require.NoError(t, l.monitor.Load(l.t.Context()))
			got := map[estate.TargetID]string{}
			for _, state := range l.monitor.Snapshot().Targets {
				got[state.Config.ID] = state.Config.Name + " " + state.Config.Address
			}
			return got
		}
		open(declaredTarget("a", "192.0.2.1"), declaredTarget("b", "192.0.2.2"))
		require.Equal(t, map[estate.TargetID]string{
			"pve-0": "a https://192.0.2.2:8006", "pve-1": "b https://192.0.2.1:8006",
		}, open(declaredTarget("a", "192.0.2.2"), declaredTarget("b", "192.0.2.1")))
		require.Equal(t, map[estate.TargetID]string{
			"pve-0": "a https://192.0.2.3:8006", "pve-1": "b https://192.0.2.1:8006", "pve-2": "c https://192.0.2.2:8006",
		}, open(declaredTarget("c", "192.0.2.2"), declaredTarget("a", "192.0.2.3"), declaredTarget("b", "192.0.2.1")),
			"a new one at a former address is new")
	})
}

func TestDeclarationTakesOverATargetThatWasAdded(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		added := l.add(0)
		l.options.Declared = []config.Target{declaredTarget("mine", added.Address)}
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		state := l.state(added.ID)
		require.Equal(t, "mine", state.Config.Name)
		require.Equal(t, added.Slug, state.Config.Slug)
		require.Equal(t, "/etc/pulse/targets.yaml", state.Config.Source)
		require.Len(t, l.monitor.Snapshot().Targets, 1)
	})
}

func TestDeclarationsThatShareSomethingAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		declared []config.Target
	}{
		{"one name", []config.Target{declaredTarget("a", "192.0.2.1"), declaredTarget("a", "192.0.2.2")}},
		{"one address", []config.Target{declaredTarget("a", "192.0.2.1"), declaredTarget("b", "192.0.2.1")}},
		{"the name of one that was added, the address of another", []config.Target{declaredTarget("x", "192.0.2.8")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inLab(t, sim.Config{}, func(l *lab) {
				credential := l.estate.Clusters()[0].Credentials[sim.Auditor]
				l.addPatch(estate.PVE, patchOf("x", "192.0.2.7", credential))
				l.addPatch(estate.PVE, patchOf("y", "192.0.2.8", credential))
				before, err := l.store.Heads(l.t.Context(), "system")
				require.NoError(t, err)
				l.options.Declared = tt.declared
				l.reopen()
				err = l.monitor.Load(l.t.Context())
				var dup *pulse.DuplicateError
				require.ErrorAs(t, err, &dup)
				require.ErrorContains(t, err, "/etc/pulse/targets.yaml: "+tt.declared[len(tt.declared)-1].Name)
				after, err := l.store.Heads(l.t.Context(), "system")
				require.NoError(t, err)
				require.Equal(t, before, after)
			})
		})
	}
}

func TestTargetDeclaredNoLongerLeavesNothing(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		l.options.Declared = []config.Target{declaredTarget("a", "192.0.2.1")}
		l.reopen()
		l.poll() // what failed is remembered too
		require.NotEmpty(t, l.keysOf("pve-0"))
		l.options.Declared = nil
		l.reopen()
		require.NoError(t, l.monitor.Load(l.t.Context()))
		require.Empty(t, l.keysOf("pve-0"))
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
