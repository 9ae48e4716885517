package shells

import (
	"context"
	"io"
	"net/http"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// Parts are what a program brings along. What it does not name is not linked into it.
type Parts struct {
	// Stores are the stores that can be chosen, by the scheme of the URL that chooses them.
	Stores map[string]StoreKind
	// DefaultStore is the URL of the store that is used when none is chosen, as "sqlite:"; empty where one must be chosen.
	DefaultStore string
	// Required are settings without which the program does not start, by their names in the environment, as API_TOKEN.
	Required []string
	// Role is what the program does; empty leaves that to PULSE_ROLE.
	Role pulse.Role
	// Page is what browsers see; nil for none.
	Page http.Handler
	// Version is what runs.
	Version api.Version
	// Log is where log lines go; nil discards them.
	Log io.Writer
}

// StoreKind says how the stores of one scheme are opened, and how their key is kept.
type StoreKind struct {
	// File is the name in the data directory of a store that is a file, as "pulse.db"; empty for another one. The key
	// of a file is kept in a file beside it.
	File string
	// Forgets tells that nothing outlives the process, so that a new key each time will do. A store that neither is a
	// file nor forgets needs PULSE_ENCRYPTION_KEY.
	Forgets bool
	// Shared tells that other processes may use the same store at the same time, and share the work.
	Shared bool
	// Open opens the store; location is the path of a file, which may not exist yet, and else the URL. Errors
	// are sentences that name the location, without a password.
	Open func(ctx context.Context, location string) (store.Store, error)
}
