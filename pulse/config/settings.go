package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Settings are what a person may change of Pulse as a whole while it runs.
type Settings struct {
	// PollingInterval is the time between two full readings of a target, 2 s to 1 h. PVE writes its numbers
	// every 10 s, so a shorter one shows changes of status sooner, and no fresher numbers.
	PollingInterval time.Duration
	// ConnectionTimeout bounds one quick request to a target, 1 s to 2 min.
	ConnectionTimeout time.Duration
	// AllowedOrigins are the web origins beside Pulse's own that may use the API from a browser. Empty
	// allows none; "*" allows all, and only where an API token is set.
	AllowedOrigins []string
}

// The limits of the settings.
const (
	MinPollingInterval   = 2 * time.Second
	MaxPollingInterval   = time.Hour
	MinConnectionTimeout = time.Second
	MaxConnectionTimeout = 2 * time.Minute
	maxOrigins           = 50
)

// DefaultSettings returns the settings of a fresh installation.
func DefaultSettings() Settings {
	return Settings{PollingInterval: 10 * time.Second, ConnectionTimeout: 10 * time.Second}
}

// Validate returns a [*FieldError] for the first setting out of its limits, or nil.
func (s Settings) Validate() error {
	if s.PollingInterval < MinPollingInterval || s.PollingInterval > MaxPollingInterval {
		return &FieldError{"pollingInterval", "want 2 to 3600 seconds"}
	}
	if s.ConnectionTimeout < MinConnectionTimeout || s.ConnectionTimeout > MaxConnectionTimeout {
		return &FieldError{"connectionTimeout", "want 1 to 120 seconds"}
	}
	if len(s.AllowedOrigins) > maxOrigins {
		return &FieldError{"allowedOrigins", fmt.Sprintf("want at most %d origins", maxOrigins)}
	}
	for _, origin := range s.AllowedOrigins {
		if err := validOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

func validOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !validHost(strings.ToLower(u.Hostname())) ||
		!strings.EqualFold(origin, u.Scheme+"://"+u.Host) { // nothing before or behind the host and port
		return &FieldError{"allowedOrigins", "want origins as https://pulse.example.com, or *"}
	}
	return nil
}

// ParseOrigins splits a comma-separated list of origins, as the environment and the settings carry it. It
// does not judge them.
func ParseOrigins(list string) []string {
	var origins []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimRight(strings.TrimSpace(part), "/"); part != "" {
			origins = append(origins, part)
		}
	}
	return origins
}
