package pulse

import (
	"context"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// SettingsPatch gives settings; nil leaves one as it is.
type SettingsPatch struct {
	PollingInterval   *time.Duration
	ConnectionTimeout *time.Duration
	AllowedOrigins    *[]string
}

// Settings returns the settings in force.
func (m *Monitor) Settings() config.Settings {
	s := *m.settings.Load()
	s.AllowedOrigins = slices.Clone(s.AllowedOrigins)
	return s
}

// UpdateSettings changes the settings that p gives; they are in force when it returns. The error is a
// [*config.FieldError] or [ErrUnavailable].
func (m *Monitor) UpdateSettings(ctx context.Context, p SettingsPatch) (config.Settings, error) {
	var updated config.Settings
	err := m.change(ctx, func(r *registry) ([]store.Op, error) {
		updated = r.settings
		set(&updated.PollingInterval, p.PollingInterval)
		set(&updated.ConnectionTimeout, p.ConnectionTimeout)
		if p.AllowedOrigins != nil {
			updated.AllowedOrigins = slices.Clone(*p.AllowedOrigins)
		}
		if err := updated.Validate(); err != nil {
			return nil, err
		}
		r.settings = updated
		value, err := config.EncodeSettings(updated)
		return []store.Op{{Key: settingsKey, Rev: r.revs[settingsKey], Value: value}}, err
	})
	if err != nil {
		return config.Settings{}, err
	}
	m.log.Info("settings changed", "pollingInterval", updated.PollingInterval)
	return updated, nil
}
