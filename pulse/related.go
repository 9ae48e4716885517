package pulse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// offerLimit bounds how long a new target may take to show its certificate. One that takes longer is added all the
// same: adding does not ask whether a target can be reached.
const offerLimit = 3 * time.Second

// offered returns the fingerprint that a PVE host offers, zero when it does not answer.
func (m *Monitor) offered(ctx context.Context, t config.Target) proxmox.Fingerprint {
	if t.Kind() != estate.PVE {
		return proxmox.Fingerprint{}
	}
	options, err := m.clientOptions(t)
	if err != nil {
		return proxmox.Fingerprint{}
	}
	ctx, cancel := context.WithTimeout(ctx, offerLimit)
	defer cancel()
	fingerprint, err := proxmox.Offered(ctx, options)
	if err != nil {
		return proxmox.Fingerprint{}
	}
	return fingerprint
}

// offeredAfter returns the fingerprint that a target's new host offers; zero when the host stays.
func (m *Monitor) offeredAfter(ctx context.Context, id estate.TargetID, p TargetPatch) proxmox.Fingerprint {
	state, ok := m.Snapshot().Target(id)
	if !ok || p.Address == nil {
		return proxmox.Fingerprint{}
	}
	updated, err := p.apply(state.Config)
	if err != nil || updated.Address == state.Config.Address {
		return proxmox.Fingerprint{}
	}
	return m.offered(ctx, updated)
}

// twinOf returns the target that watches the same cluster as t and was added before it, or nil. Two targets can become
// one cluster after both were added: one could not be reached then, or its host joined. m.mu is held.
func (m *Monitor) twinOf(t *target) *target {
	var twin *target
	for _, other := range m.targets {
		older := other.cfg.Kind() == t.cfg.Kind() && other.cfg.ID.Number() < t.cfg.ID.Number()
		if older && sameCluster(other.memory.learned, t.memory.learned) {
			twin = other
		}
	}
	return twin
}

// sameCluster tells whether two learnings are of one cluster: the same name, which alone is not unique, and a
// certificate that both have.
func sameCluster(a, b proxmox.Learned) bool {
	if a.ClusterName != b.ClusterName {
		return false
	}
	return slices.ContainsFunc(a.Members, func(x proxmox.Member) bool {
		return !x.Fingerprint.IsZero() && slices.ContainsFunc(b.Members, func(y proxmox.Member) bool {
			return x.Fingerprint == y.Fingerprint
		})
	})
}

// noteTwin says on an observation that its target is watched twice; m.mu is held.
func (m *Monitor) noteTwin(t *target, obs *estate.Observation) *estate.Observation {
	twin := m.twinOf(t)
	if twin == nil || !obs.Poll.OK() {
		return obs
	}
	noted := *obs
	noted.Poll.Degraded = fmt.Sprintf("This is the same cluster as %s (%s), so everything shows twice: remove one of them.",
		twin.cfg.Name, twin.cfg.ID)
	return &noted
}

// unrelated refuses a host that is a member of a cluster which is a target already: its guests would show twice. A
// member is known by its address, or by the certificate it offers, since each member has its own.
func (m *Monitor) unrelated(r *registry, t config.Target, offered proxmox.Fingerprint) error {
	snapshot := m.Snapshot()
	for _, other := range r.targets {
		if other.ID == t.ID || other.Kind() != t.Kind() {
			continue
		}
		state, _ := snapshot.Target(other.ID)
		for _, member := range state.Members {
			known := !offered.IsZero() && member.Fingerprint == offered
			if known || member.Address == t.Address {
				return &DuplicateError{
					Target: other.ID, Name: other.Name,
					What: "the host " + t.Address + ", as node " + member.Name + " of its cluster,",
				}
			}
		}
	}
	return nil
}
