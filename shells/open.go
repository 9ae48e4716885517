package shells

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/netguard"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// Pulse is everything put together. Nothing of it runs by itself: the program runs the Monitor and serves the API.
type Pulse struct {
	// Monitor has its configuration loaded.
	Monitor *pulse.Monitor
	API     *api.API
	Log     *slog.Logger
	Listen  Listen
	// Guarded tells whether the API needs a token.
	Guarded bool
	// Role is what this process does; never empty.
	Role pulse.Role
	// Store and Key say where the data and the key that seals its secrets are, in words for people.
	Store string
	Key   string

	store store.Store
}

// Open reads the environment, opens the store and its keys, and puts a monitor and the API over them. The errors are
// sentences for people; several bad settings are [*SettingError] joined together. After an error everything is closed
// and nothing that was stored has been changed.
func Open(ctx context.Context, getenv func(string) string, parts Parts) (*Pulse, error) {
	cfg, where, err := settle(getenv, parts)
	if err != nil {
		return nil, err
	}
	declared, err := cfg.data.declared()
	if err != nil {
		return nil, err
	}
	p := &Pulse{
		Log: cfg.Logger(parts.Log), Listen: cfg.Listen, Guarded: !cfg.access.token.IsZero(), Role: cfg.role,
	}
	if err := p.assemble(ctx, cfg, parts, where, declared); err != nil {
		return nil, where.explain(err, p.Key)
	}
	return p, nil
}

// settle reads everything that is set, files included, and reports all that is wrong with it.
func settle(getenv func(string) string, parts Parts) (Config, storage, error) {
	getenv, filesErr := withSecretFiles(getenv)
	cfg, err := readConfig(getenv, parts.Required)
	var where storage
	var storageErr error
	if cfg.data.store != "" || filesErr == nil { // else its file may be what is wrong
		where, storageErr = chooseStorage(cfg.data, parts, getenv)
	}
	var roleErr error
	if where.kind.Open != nil { // else the store is what is wrong
		cfg.role, roleErr = parts.role(cfg.role, where.kind)
	}
	return cfg, where, errors.Join(filesErr, err, storageErr, roleErr)
}

// Close closes the store. The monitor must not run any more, and the API must not be served.
func (p *Pulse) Close() error {
	if err := p.store.Close(); err != nil {
		return fmt.Errorf("close the store %s: %w", p.Store, err)
	}
	return nil
}

// assemble opens the keys and the store and puts the rest over them.
func (p *Pulse) assemble(ctx context.Context, cfg Config, parts Parts, where storage, declared declaration) error {
	if err := where.prepare(); err != nil {
		return err
	}
	p.Store = where.shown()
	keys, keyWhere, err := where.keyring(cfg.data)
	if err != nil {
		return err
	}
	p.Key = keyWhere
	if readableByOthers(keyWhere) {
		p.Log.Warn("other users can read the key file; take that right from them", "file", keyWhere)
	}
	if declared.exposed != "" {
		p.Log.Warn("other users can read the secrets in the file that declares the targets; take that right from them",
			"file", declared.exposed)
	}
	if p.store, err = where.kind.Open(ctx, where.location); err != nil {
		return err
	}
	if err := p.build(ctx, cfg, parts, keys, declared.targets, where.kind.Shared); err != nil {
		return errors.Join(err, p.Close())
	}
	return nil
}

// build puts the monitor and the API over the open store.
func (p *Pulse) build(
	ctx context.Context, cfg Config, parts Parts, keys *config.Keyring, declared []config.Target, shared bool,
) error {
	rules := netguard.Proxmox()
	options := pulse.Options{
		Store: p.store, Keyring: keys, Declared: declared, Shared: shared, Role: cfg.role,
		DialContext: rules.DialContext, CheckHost: rules.CheckHost, Version: parts.Version.Number, Logger: p.Log,
	}
	if cfg.proxied {
		options.Proxy = proxyByRules(http.ProxyFromEnvironment, rules)
	}
	var err error
	if p.Monitor, err = pulse.New(options); err != nil {
		return err
	}
	if err := p.Monitor.Load(ctx); err != nil {
		return err
	}
	hostname, _ := os.Hostname() // without one, browsers reach an open API by address or a local name only
	p.API, err = api.New(api.Options{
		Monitor:                p.Monitor,
		Token:                  cfg.access.token.Reveal(),
		AllowedOrigins:         cfg.access.origins,
		AllowUnprotectedExport: cfg.access.unprotectedExport,
		Version:                parts.Version,
		Page:                   parts.Page,
		Logger:                 p.Log,
		Hostname:               hostname,
		Port:                   cfg.Listen.port(),
		TrustedProxies:         cfg.access.trustedProxies,
	})
	return err
}

// port returns the port of the address; 0 for one that is not known yet.
func (l Listen) port() int {
	_, port, _ := net.SplitHostPort(l.Address)
	n, _ := strconv.Atoi(port) // the reader of the environment judged it
	return n
}
