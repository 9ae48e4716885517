package pulse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestTheWayToJudgeACertificateChangesEachWay(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 2}, func(l *lab) {
		address, user, password := "pve.example.com", "monitor@pve", config.NewSecret("dummy")
		added, err := l.monitor.AddTarget(l.t.Context(), estate.PVE, pulse.TargetPatch{
			Address: &address, User: &user, Password: &password,
		})
		require.NoError(t, err)
		require.Equal(t, config.VerifyAuto, added.Verify)
		for _, mode := range []config.VerifyMode{config.VerifySystem, config.VerifyAuto, config.VerifyOff, config.VerifyAuto} {
			updated, err := l.monitor.UpdateTarget(l.t.Context(), added.ID, pulse.TargetPatch{Verify: &mode})
			require.NoError(t, err)
			require.Equal(t, mode, updated.Verify)
			same, err := l.monitor.UpdateTarget(l.t.Context(), added.ID, pulse.TargetPatch{Name: &user})
			require.NoError(t, err)
			require.Equal(t, mode, same.Verify)
		}
		unknown := config.VerifyMode("sometimes")
		_, err = l.monitor.UpdateTarget(l.t.Context(), added.ID, pulse.TargetPatch{Verify: &unknown})
		var field *config.FieldError
		require.ErrorAs(t, err, &field)
	})
}
