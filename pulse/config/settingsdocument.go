package config

import (
	"encoding/json"
	"fmt"
	"time"
)

// settingsVersion is the version of the settings' stored form.
const settingsVersion = 1

// settingsDocument is the settings as they are stored.
type settingsDocument struct {
	header
	PollingInterval   duration `json:"pollingInterval"`
	ConnectionTimeout duration `json:"connectionTimeout"`
	AllowedOrigins    []string `json:"allowedOrigins,omitempty"`
}

// EncodeSettings returns the stored form of valid settings.
func EncodeSettings(s Settings) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	data, err := json.Marshal(settingsDocument{
		header:            header{settingsVersion},
		PollingInterval:   duration(s.PollingInterval),
		ConnectionTimeout: duration(s.ConnectionTimeout),
		AllowedOrigins:    s.AllowedOrigins,
	})
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return data, nil
}

// DecodeSettings reads what [EncodeSettings] wrote, in this version of Pulse or an earlier one. The error is
// [ErrNewer] or [ErrDamaged].
func DecodeSettings(data []byte) (Settings, error) {
	var doc settingsDocument
	if err := openDocument("settings", data, settingsVersion, &doc); err != nil {
		return Settings{}, err
	}
	s := Settings{
		PollingInterval:   time.Duration(doc.PollingInterval),
		ConnectionTimeout: time.Duration(doc.ConnectionTimeout),
		AllowedOrigins:    doc.AllowedOrigins,
	}
	if s.Validate() != nil {
		return Settings{}, fmt.Errorf("settings: %w", ErrDamaged)
	}
	return s, nil
}
