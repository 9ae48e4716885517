package pulse

import (
	"context"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// Diagnostics is what the monitor knows about its own work.
type Diagnostics struct {
	Started time.Time
	Cycles  int64 // full passes made since then
	// Members are the ways into each target that is being read, and how each stands.
	Members map[estate.TargetID][]proxmox.MemberHealth
	// Store is how much room the store takes; StoreKnown is false where the store does not tell.
	Store      store.Stats
	StoreKnown bool
	// StoreError is why the store failed last; nil while it works.
	StoreError error
}

// Diagnostics returns what is known now, without asking any target.
func (m *Monitor) Diagnostics(ctx context.Context) Diagnostics {
	d := Diagnostics{
		Started: m.started.UTC(), Cycles: m.cycles.Load(),
		Members: map[estate.TargetID][]proxmox.MemberHealth{},
	}
	m.mu.Lock()
	for id, t := range m.targets {
		if t.session != nil {
			d.Members[id] = t.session.client.Members()
		}
	}
	d.StoreError = m.storeErr
	m.mu.Unlock()
	if measurer, ok := m.opt.Store.(store.Measurer); ok {
		stats, err := measurer.Stats(ctx)
		d.Store, d.StoreKnown = stats, err == nil
		if err != nil && d.StoreError == nil {
			d.StoreError = err
		}
	}
	return d
}

// Readiness says whether what the monitor serves can be relied on.
type Readiness struct {
	Ready   bool
	Reasons []string // why not, each one sentence; empty when ready
}

// Ready tells whether the configuration is loaded, the store works and every target was tried. A target that does not
// answer does not make Pulse unready: that is what Pulse is there to show.
func (m *Monitor) Ready() Readiness {
	m.mu.Lock()
	defer m.mu.Unlock()
	var reasons []string
	if !m.loaded {
		reasons = append(reasons, "the configuration is not loaded yet")
	}
	if m.storeErr != nil {
		reasons = append(reasons, "the store does not work: what is observed is kept in memory only")
	}
	if m.configErr != nil {
		reasons = append(reasons, "the stored configuration cannot be used: an earlier one is in force")
	}
	if slices.ContainsFunc(m.order, func(t *target) bool { return !t.tried }) {
		reasons = append(reasons, "not every target was read since the start")
	}
	return Readiness{Ready: len(reasons) == 0, Reasons: reasons}
}
