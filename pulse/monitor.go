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
	// Shared tells that other monitors use the same store at the same time. They then share the work: each target is
	// read by one of them, every pass is written for the others to see, and all show the same. Without it what is
	// observed is written seldom.
	Shared bool
	// Role narrows what a monitor with a shared store does; empty is [RoleAll].
	Role Role
	// Replica names this process among those that share a store, and must be unique; empty draws a name.
	Replica string
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

	requests, failedRequests atomic.Int64 // to targets

	inForce       atomic.Pointer[store.Revision] // of the configuration
	replicasEpoch uint64                         // of the pollers' group; of takePart alone

	settings atomic.Pointer[config.Settings]
	running  sync.Mutex    // held by Run
	wake     chan struct{} // tells Run that targets were added, changed or removed

	changing gate      // of whoever changes the configuration, so that changes are made one after the other
	adopted  *registry // the configuration that runs; nil before Load; guarded by changing
	halfway  time.Time // when a configuration that is not whole was first seen; guarded by changing
	flushing gate      // of whoever writes or drops targets' groups, so that no write follows a drop

	mu        sync.Mutex // guards the rest; nothing waits while holding it
	loaded    bool
	targets   map[estate.TargetID]*target
	order     []*target // the same, PVE first, by number
	pollers   []string  // the replicas that read targets, sorted; of a shared store
	encoder   *wire.Encoder
	lastPass  time.Duration
	storeErr  error // why the store failed last; nil once a write succeeded again
	configErr error // why the stored configuration is not what runs
}

// New returns a monitor. It does no I/O; the configuration is read by [Monitor.Load].
func New(opt Options) (*Monitor, error) {
	if opt.Store == nil || opt.Keyring == nil {
		return nil, errors.New("pulse: a store and a keyring are required")
	}
	role, err := ParseRole(string(opt.Role))
	switch {
	case err != nil:
		return nil, fmt.Errorf("pulse: %w", err)
	case role != RoleAll && !opt.Shared:
		return nil, fmt.Errorf("pulse: role %s needs a shared store", role)
	}
	opt.Role = role
	if opt.Replica == "" {
		opt.Replica = drawReplica()
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
		changing: newGate(), flushing: newGate(),
		targets: map[estate.TargetID]*target{},
		encoder: wire.NewEncoder(),
	}
	settings := config.DefaultSettings()
	m.settings.Store(&settings)
	m.inForce.Store(&store.Revision{})
	m.publish(m.started)
	return m, nil
}

// Load reads the configuration and the last observations from the store and applies the declared targets. Run and Poll
// call it themselves; calling it first tells a wrong key ([config.ErrWrongKey]), damage ([config.ErrDamaged]) or a
// declaration that does not fit ([*config.FieldError], [*DuplicateError]) before anything else starts. A
// store that does not answer is [ErrUnavailable]. A second call does nothing once one succeeded.
func (m *Monitor) Load(ctx context.Context) error {
	if m.isLoaded() {
		return nil
	}
	if err := m.changing.enter(ctx); err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	defer m.changing.leave()
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
	m.sweep(ctx, r)
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
