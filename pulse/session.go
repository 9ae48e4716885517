package pulse

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/collect"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// passLimit bounds one full pass, so that a target which answers everything slowly is still reported on.
const passLimit = 90 * time.Second

// session reads one target as it is configured now. A changed target gets a new session, and what an old one still
// brings is dropped.
type session struct {
	id        estate.TargetID
	interval  time.Duration
	client    *proxmox.Client
	collector *collect.Collector

	ended context.Context // done once the session ended
	end   context.CancelFunc

	passing sync.Mutex // one pass or watch at a time
	due     time.Time  // of the next full pass, for Poll; guarded by passing
}

// open returns the target's session, a new one if it has none. It fails when the target is gone, or its pins cannot be
// read: without them a replaced certificate would look like a first contact.
func (m *Monitor) open(ctx context.Context, id estate.TargetID) (*session, error) {
	m.mu.Lock()
	t := m.targets[id]
	if t == nil {
		m.mu.Unlock()
		return nil, fmt.Errorf("target %s: %w", id, ErrNotFound)
	}
	cfg, learned, forget, s := t.cfg, t.memory.learned, t.forget, t.session
	settings, interval := m.settings, m.interval(t)
	m.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if forget {
		if err := m.forgetTrust(ctx, id); err != nil {
			return nil, m.unavailable(err)
		}
	}
	s, err := m.newSession(ctx, cfg, learned, settings, interval)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[id] != t || t.cfg != cfg || t.session != nil {
		s.end()
		s.client.Close()
		return t.session, m.stillThere(id, t)
	}
	t.session, t.forget = s, false
	return s, nil
}

// stillThere explains a session that was overtaken by a change; m.mu is held.
func (m *Monitor) stillThere(id estate.TargetID, t *target) error {
	if m.targets[id] != t || t.session == nil {
		return fmt.Errorf("target %s: %w", id, errChanged)
	}
	return nil
}

func (m *Monitor) newSession(ctx context.Context, cfg config.Target, learned proxmox.Learned, settings config.Settings, interval time.Duration) (*session, error) {
	options, err := m.clientOptions(cfg, settings)
	if err != nil {
		return nil, err
	}
	if options.Trust.Pinned, _, err = m.pinned(ctx, cfg.ID, cfg.Address); err != nil {
		return nil, m.unavailable(err)
	}
	options.Trust.Known, options.Trust.CA = learned.Members, learned.CA
	options.Trust.Pin = func(ctx context.Context, address string, offered proxmox.Fingerprint) (proxmox.Fingerprint, error) {
		return m.pin(ctx, cfg.ID, address, offered)
	}
	client, err := proxmox.New(options)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", cfg.ID, err)
	}
	s := &session{id: cfg.ID, interval: interval, client: client}
	s.collector = collect.New(collect.Options{
		Target: cfg.ID, Client: client, Collect: cfg.Collect, Interval: interval,
		Account: cmp.Or(cfg.TokenID, cfg.User),
		Logger:  m.log.With("target", cfg.ID),
	})
	// The session lives longer than the call that opens it; whoever drops it ends it.
	s.ended, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// clientOptions returns how to connect to a target, without what is stored about its certificates.
func (m *Monitor) clientOptions(cfg config.Target, settings config.Settings) (proxmox.Options, error) {
	fingerprint, err := proxmox.ParseFingerprint(cfg.Fingerprint)
	if err != nil {
		return proxmox.Options{}, &config.FieldError{Field: "fingerprint", Reason: "want a SHA-256 fingerprint"}
	}
	return proxmox.Options{
		Kind:    proxmox.Kind(cfg.Kind()),
		Address: cfg.Address,
		Credential: proxmox.Credential{
			User: cfg.User, Password: proxmox.Secret(cfg.Password.Reveal()),
			TokenID: cfg.TokenID, TokenSecret: proxmox.Secret(cfg.TokenSecret.Reveal()),
		},
		Trust:       proxmox.Trust{Fingerprint: fingerprint, Verify: verifyOf(cfg.Verify)},
		Timeouts:    proxmox.Timeouts{Quick: settings.ConnectionTimeout, Connect: min(settings.ConnectionTimeout, 5*time.Second)},
		DialContext: m.opt.DialContext,
		Proxy:       m.opt.Proxy,
		UserAgent:   "Pulse/" + m.opt.Version,
	}, nil
}

func verifyOf(mode config.VerifyMode) proxmox.Verify {
	switch mode {
	case config.VerifySystem:
		return proxmox.VerifySystem
	case config.VerifyOff:
		return proxmox.VerifyOff
	default:
		return proxmox.VerifyAuto
	}
}

// within returns a context that also ends with the session, and with the limit of a pass.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, passLimit)
	stop := context.AfterFunc(s.ended, cancel)
	return ctx, func() { stop(); cancel() }
}

// close ends the session and waits for the pass it may be in.
func (s *session) close() {
	s.end()
	s.passing.Lock()
	defer s.passing.Unlock()
	s.client.Close()
}
