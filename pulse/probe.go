package pulse

import (
	"context"
	"fmt"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// ProbeDraft tries out a target that is not configured. Nothing is stored, and the certificate is not remembered. The
// error is a [*config.FieldError], or a [*proxmox.ProbeError] that says in one sentence what failed.
func (m *Monitor) ProbeDraft(ctx context.Context, kind estate.TargetKind, p TargetPatch) (proxmox.ProbeResult, error) {
	draft, err := draftTarget(kind, p)
	if err != nil {
		return proxmox.ProbeResult{}, err
	}
	if err := m.checkHost(ctx, kind, draft.Address); err != nil {
		return proxmox.ProbeResult{}, err
	}
	options, err := m.clientOptions(draft)
	if err != nil {
		return proxmox.ProbeResult{}, err
	}
	return proxmox.Probe(ctx, options)
}

// ProbeTarget tries out a configured target, under the certificate it is known by. The error is [ErrNotFound],
// [ErrUnavailable], [config.ErrDamaged] for what is stored about the certificate, or a [*proxmox.ProbeError].
func (m *Monitor) ProbeTarget(ctx context.Context, id estate.TargetID) (proxmox.ProbeResult, error) {
	if err := m.Load(ctx); err != nil {
		return proxmox.ProbeResult{}, err
	}
	cfg, learned, err := m.configured(id)
	if err != nil {
		return proxmox.ProbeResult{}, err
	}
	options, err := m.clientOptions(cfg)
	if err != nil {
		return proxmox.ProbeResult{}, err
	}
	if options.Trust.Pinned, err = m.pinned(ctx, cfg); err != nil {
		return proxmox.ProbeResult{}, fmt.Errorf("target %s: %w", id, err)
	}
	options.Trust.Known, options.Trust.CA = learned.Members, learned.CA
	result, err := proxmox.Probe(ctx, options)
	if err == nil {
		m.retry(id)
	}
	return result, err
}

// retry has a target that fails read at once, by a new session, which knows of no pauses after failures.
func (m *Monitor) retry(id estate.TargetID) {
	m.mu.Lock()
	t := m.targets[id]
	if t == nil || t.obs == nil || t.obs.Poll.OK() {
		m.mu.Unlock()
		return
	}
	t.version++
	old := t.session
	t.session = nil
	m.mu.Unlock()
	if old != nil {
		old.close()
	}
	m.signal()
}

func (m *Monitor) configured(id estate.TargetID) (config.Target, proxmox.Learned, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	if t == nil {
		return config.Target{}, proxmox.Learned{}, fmt.Errorf("target %s: %w", id, ErrNotFound)
	}
	return t.cfg, t.memory.learned, nil
}
