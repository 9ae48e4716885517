package pulse

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/proxpulse/proxpulse/pulse/collect"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// passLimit bounds one full pass, so that a target which answers everything slowly is still reported on.
const passLimit = 90 * time.Second

// session reads one target as it is configured now. It belongs to the target that refers to it; whoever takes it out of
// there closes it.
type session struct {
	id        estate.TargetID
	interval  time.Duration
	client    *proxmox.Client
	collector *collect.Collector

	ended context.Context // done once the session was closed
	end   context.CancelFunc

	pin atomic.Pointer[proxmox.Fingerprint] // the certificate met at first contact; nil for none

	busy gate      // of whoever makes a pass or looks at the task list
	due  time.Time // of the next full pass, for Poll; guarded by busy
}

// open returns the target's session, a new one if it has none. It fails when the target is gone or is changed meanwhile,
// or its pin cannot be read: without it a replaced certificate would look like a first contact.
func (m *Monitor) open(ctx context.Context, id estate.TargetID) (*session, error) {
	m.mu.Lock()
	t := m.targets[id]
	if t == nil {
		m.mu.Unlock()
		return nil, fmt.Errorf("target %s: %w", id, ErrNotFound)
	}
	s, version := t.session, t.version
	cfg, learned, interval := t.cfg, t.memory.learned, m.interval(t)
	m.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := m.newSession(ctx, cfg, learned, interval)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.targets[id] != t || t.version != version:
		s.end() // nothing was asked through it yet
		return nil, fmt.Errorf("target %s: %w", id, errChanged)
	case t.session != nil:
		s.end()
	default:
		t.session = s
	}
	return t.session, nil
}

func (m *Monitor) newSession(ctx context.Context, cfg config.Target, learned proxmox.Learned, interval time.Duration) (*session, error) {
	options, err := m.clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	if options.Trust.Pinned, err = m.pinned(ctx, cfg); err != nil {
		return nil, err
	}
	options.Trust.Known, options.Trust.CA = learned.Members, learned.CA
	s := &session{id: cfg.ID, interval: interval, busy: newGate()}
	s.pin.Store(&options.Trust.Pinned)
	options.Trust.Pin = func(ctx context.Context, _ string, offered proxmox.Fingerprint) (proxmox.Fingerprint, error) {
		pin, err := m.pin(ctx, cfg, offered)
		if err == nil {
			s.pin.Store(&pin)
		}
		return pin, err
	}
	client, err := proxmox.New(options)
	if err != nil {
		return nil, err
	}
	s.client = client
	s.collector = collect.New(collect.Options{
		Target: cfg.ID, Client: client, Collect: cfg.Collect, Interval: interval,
		Account: cmp.Or(cfg.TokenID, cfg.User), Logger: m.log.With("target", cfg.ID),
	})
	// The session lives longer than the call that opens it.
	s.ended, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// clientOptions returns how to connect to a target, without what is stored about its certificates.
func (m *Monitor) clientOptions(cfg config.Target) (proxmox.Options, error) {
	timeout := m.settings.Load().ConnectionTimeout
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
		Timeouts:    proxmox.Timeouts{Quick: timeout, Connect: min(timeout, 5*time.Second)},
		DialContext: m.opt.DialContext,
		Proxy:       m.opt.Proxy,
		UserAgent:   "Pulse/" + m.opt.Version,
		Observe:     m.countRequest,
	}, nil
}

func (m *Monitor) countRequest(c proxmox.CallStats) {
	m.requests.Add(1)
	if c.Err != nil {
		m.failedRequests.Add(1)
	}
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

// pinned returns the certificate met at first contact as it is stored; empty for none.
func (s *session) pinned() string {
	if pin := s.pin.Load(); pin != nil && !pin.IsZero() {
		return pin.String()
	}
	return ""
}

// within returns a context that also ends with the session, and with the limit of a pass.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, passLimit)
	stop := context.AfterFunc(s.ended, cancel)
	return ctx, func() { stop(); cancel() }
}

// close ends the session and its connections, after the pass it may be in, which ends early.
func (s *session) close() {
	s.end()
	s.busy <- struct{}{}
	s.client.Close()
	s.busy.leave()
}

func closeAll(sessions []*session) {
	for _, s := range sessions {
		s.close()
	}
}
