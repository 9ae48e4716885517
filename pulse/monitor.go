package pulse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/wire"
)

// Options say what a [Monitor] works with. Store and Keyring are required.
type Options struct {
	// Store keeps configuration and observations. The monitor does not close it.
	Store store.Store
	// Keyring seals the credentials before they reach the store.
	Keyring *config.Keyring
	// Declared are targets that files own, each with its Source and complete credentials. They are added, changed and removed to match at [Monitor.Load].
	Declared []config.Target
	// DialContext opens the connections to targets, with the address rules of whoever runs the monitor; nil dials
	// anything.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// CheckHost refuses a host that DialContext would not connect to, before it is configured or tried; nil refuses
	// none. Only a [*netguard.RefusedError] counts: a name that cannot be resolved today may be tomorrow.
	CheckHost func(ctx context.Context, host string) error
	// Proxy picks an HTTP proxy for a request to a target, as in [http.Transport]; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// Version is shown to clients and to Proxmox as the user agent; empty is "dev".
	Version string
	// Logger is told what happens; nil discards.
	Logger *slog.Logger
}

// Monitor watches the configured targets.
type Monitor struct {
	opt     Options
	log     *slog.Logger
	started time.Time

	snapshot      atomic.Pointer[Snapshot]
	streamClients atomic.Int64
	cycles        atomic.Int64 // full passes made

	changing sync.Mutex // held while the configuration is changed, so that changes are made one after the other
	wake     chan struct{}

	mu       sync.Mutex // guards the rest
	loaded   bool
	settings config.Settings
	targets  map[estate.TargetID]*target
	encoder  *wire.Encoder
	lastPass time.Duration
	storeErr error // of the latest write or read of the store; nil once one succeeded again
}

// New returns a monitor. It does no I/O; the configuration is read by [Monitor.Load].
func New(opt Options) (*Monitor, error) {
	if opt.Store == nil || opt.Keyring == nil {
		return nil, errors.New("pulse: a store and a keyring are required")
	}
	if opt.Version == "" {
		opt.Version = "dev"
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Monitor{
		opt:      opt,
		log:      opt.Logger,
		started:  time.Now(),
		wake:     make(chan struct{}, 1),
		settings: config.DefaultSettings(),
		targets:  map[estate.TargetID]*target{},
		encoder:  wire.NewEncoder(),
	}
	m.publish(m.started)
	return m, nil
}

// Load reads the configuration and the last observations from the store and applies the declared targets. Run and Poll
// call it themselves; calling it first tells a wrong key ([config.ErrWrongKey]), damage ([config.ErrDamaged]) or a
// declaration that does not fit ([*config.FieldError]) before anything else starts. A second call does nothing.
func (m *Monitor) Load(ctx context.Context) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	if m.isLoaded() {
		return nil
	}
	if err := m.prepareStore(ctx); err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	r, err := m.applyDeclared(ctx)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	memories, err := m.remember(ctx, r)
	if err != nil {
		return fmt.Errorf("read the last observations: %w", err)
	}
	m.adopt(r, memories)
	m.mu.Lock()
	m.loaded = true
	m.mu.Unlock()
	return nil
}

func (m *Monitor) isLoaded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loaded
}

// Snapshot returns the newest snapshot; never nil. It does not wait for anything.
func (m *Monitor) Snapshot() *Snapshot { return m.snapshot.Load() }

// SetStreamClients tells how many clients follow a stream, for the statistics clients see.
func (m *Monitor) SetStreamClients(n int) { m.streamClients.Store(int64(n)) }
