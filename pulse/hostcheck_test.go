package pulse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/netguard"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestHostThatMayNotBeReachedIsNotConfigured(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, func(l *lab) {
		l.options.CheckHost = netguard.Proxmox().CheckHost
		l.reopen()
		credential := l.estate.Clusters()[0].Credentials[sim.Auditor]
		for _, host := range []string{"169.254.169.254", "https://[fe80::1]:8006", "0.0.0.0:8006"} {
			_, err := l.monitor.AddTarget(l.t.Context(), estate.PVE, patchOf("x", host, credential))
			var field *config.FieldError
			require.ErrorAs(l.t, err, &field, host)
			require.Equal(l.t, "host", field.Field)
			_, err = l.monitor.ProbeDraft(l.t.Context(), estate.PVE, patchOf("x", host, credential))
			require.ErrorAs(l.t, err, &field, host)
		}
		id := l.addPatch(estate.PVE, patchOf("ok", "192.0.2.1", credential)).ID
		refused := "169.254.169.254"
		_, err := l.monitor.UpdateTarget(l.t.Context(), id, pulse.TargetPatch{Address: &refused})
		var field *config.FieldError
		require.ErrorAs(l.t, err, &field)
		require.Equal(l.t, "https://192.0.2.1:8006", l.state(id).Config.Address)
	})
}
