package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
)

func TestDefaultSettingsAreValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.DefaultSettings().Validate())
}

func TestSettingsValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*config.Settings)
		field  string // empty: valid
	}{
		{"shortest interval", func(s *config.Settings) { s.PollingInterval = 2 * time.Second }, ""},
		{"longest interval", func(s *config.Settings) { s.PollingInterval = time.Hour }, ""},
		{"interval too short", func(s *config.Settings) { s.PollingInterval = 2*time.Second - 1 }, "pollingInterval"},
		{"interval too long", func(s *config.Settings) { s.PollingInterval = time.Hour + 1 }, "pollingInterval"},
		{"no interval", func(s *config.Settings) { s.PollingInterval = 0 }, "pollingInterval"},
		{"shortest time-out", func(s *config.Settings) { s.ConnectionTimeout = time.Second }, ""},
		{"longest time-out", func(s *config.Settings) { s.ConnectionTimeout = 2 * time.Minute }, ""},
		{"time-out too short", func(s *config.Settings) { s.ConnectionTimeout = time.Second - 1 }, "connectionTimeout"},
		{"time-out too long", func(s *config.Settings) { s.ConnectionTimeout = 2*time.Minute + 1 }, "connectionTimeout"},
		{"origins", func(s *config.Settings) {
			s.AllowedOrigins = []string{"https://a.example", "http://[::1]:3000", "*"}
		}, ""},
		{"most origins", func(s *config.Settings) { s.AllowedOrigins = slices.Repeat([]string{"https://a"}, 50) }, ""},
		{"too many origins", func(s *config.Settings) {
			s.AllowedOrigins = slices.Repeat([]string{"https://a"}, 51)
		}, "allowedOrigins"},
		{"origin without scheme", func(s *config.Settings) { s.AllowedOrigins = []string{"a.example"} }, "allowedOrigins"},
		{"origin of another scheme", func(s *config.Settings) { s.AllowedOrigins = []string{"ftp://a"} }, "allowedOrigins"},
		{"origin with path", func(s *config.Settings) { s.AllowedOrigins = []string{"https://a/x"} }, "allowedOrigins"},
		{"origin with slash", func(s *config.Settings) { s.AllowedOrigins = []string{"https://a/"} }, "allowedOrigins"},
		{"origin with user", func(s *config.Settings) { s.AllowedOrigins = []string{"https://u@a"} }, "allowedOrigins"},
		{"origin with query", func(s *config.Settings) { s.AllowedOrigins = []string{"https://a?b"} }, "allowedOrigins"},
		{"origin with empty query", func(s *config.Settings) { s.AllowedOrigins = []string{"https://a?"} }, "allowedOrigins"},
		{"origin with wildcard", func(s *config.Settings) { s.AllowedOrigins = []string{"https://*.a"} }, "allowedOrigins"},
		{"origin with port only", func(s *config.Settings) { s.AllowedOrigins = []string{"https://:80"} }, "allowedOrigins"},
		{"empty origin", func(s *config.Settings) { s.AllowedOrigins = []string{""} }, "allowedOrigins"},
		{"null origin", func(s *config.Settings) { s.AllowedOrigins = []string{"null"} }, "allowedOrigins"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := config.DefaultSettings()
			tt.change(&s)
			err := s.Validate()
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			var field *config.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tt.field, field.Field)
		})
	}
}

func TestParseOrigins(t *testing.T) {
	t.Parallel()
	require.Nil(t, config.ParseOrigins(""))
	require.Nil(t, config.ParseOrigins(" , ,"))
	require.Equal(t, []string{"https://a", "http://b:1", "*"}, config.ParseOrigins(" https://a/ ,http://b:1,,*"))
}
