package pulse

import (
	"cmp"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/wire"
)

// Snapshot is one immutable picture of everything that is watched. It may be kept and read from any goroutine; what it
// holds must not be changed.
type Snapshot struct {
	At      time.Time
	Targets []TargetState // PVE targets first, by number
	// Wire is the same picture as clients see it, encoded. Its Revision grows with every change, its StatusRevision
	// only with those that people wait for: something started, stopped, appeared, vanished or went stale.
	Wire *wire.Snapshot

	superseded chan struct{}
}

// Superseded returns a channel that is closed once a newer snapshot was published.
func (s *Snapshot) Superseded() <-chan struct{} { return s.superseded }

// Target returns the state of a target, and whether there is one.
func (s *Snapshot) Target(id estate.TargetID) (TargetState, bool) {
	for _, t := range s.Targets {
		if t.Config.ID == id {
			return t, true
		}
	}
	return TargetState{}, false
}

// TargetState is a configured target and the latest that is known about it.
type TargetState struct {
	Config      config.Target
	Observation *estate.Observation // nil before anything is known
	Members     []proxmox.Member    // the cluster's nodes as ways in, once learned
	Status      Status
	Reason      string // why Status is Degraded or Disconnected, as one sentence; else empty
}

// Status says how Pulse gets on with a target.
type Status = wire.ConnectionStatus

// The statuses of a target.
const (
	Pending      = wire.Pending      // not read since it was added
	Connected    = wire.Connected    // read in full
	Degraded     = wire.Degraded     // read, but a part is missing, or not lately
	Disconnected = wire.Disconnected // not read: the last try failed, or is too old
)

func stateOf(t *target, horizon estate.Horizon, now time.Time) TargetState {
	c := wire.JudgeConnection(t.obs, horizon, now)
	return TargetState{
		Config: t.cfg, Observation: t.obs, Members: t.memory.learned.Members,
		Status: c.Status, Reason: c.Error,
	}
}

// publish makes a snapshot of the present state and hands it to whoever waits for one. The caller holds m.mu, or is
// the only one to know m.
func (m *Monitor) publish(now time.Time) {
	next := &Snapshot{
		At:         now.UTC(),
		Targets:    make([]TargetState, 0, len(m.order)),
		superseded: make(chan struct{}),
	}
	for _, t := range m.order {
		next.Targets = append(next.Targets, stateOf(t, m.horizon(t), now))
	}
	next.Wire = m.encoder.Publish(now, wire.Stats{
		StartTime:        m.started,
		Version:          m.opt.Version,
		PollingCycles:    m.cycles.Load(),
		WebSocketClients: int(m.streamClients.Load()),
		LastPollDuration: m.lastPass,
		Requests:         m.requests.Load(),
		FailedRequests:   m.failedRequests.Load(),
	})
	if old := m.snapshot.Swap(next); old != nil {
		close(old.superseded)
	}
}

// compareTargets puts PVE targets first and then goes by number.
func compareTargets(a, b *target) int {
	return cmp.Or(-cmp.Compare(a.cfg.Kind(), b.cfg.Kind()), cmp.Compare(a.cfg.ID.Number(), b.cfg.ID.Number()))
}

// horizon returns how old a reading of a target may be; m.mu is held.
func (m *Monitor) horizon(t *target) estate.Horizon {
	return estate.HorizonFor(m.interval(t))
}

// interval returns the time between two full passes over a target; m.mu is held.
func (m *Monitor) interval(t *target) time.Duration {
	if t.cfg.Interval > 0 {
		return t.cfg.Interval
	}
	return m.settings.Load().PollingInterval
}

// encode brings a target's rows up to date; m.mu is held.
func (m *Monitor) encode(t *target, now time.Time) {
	m.encoder.Update(wire.Target{
		ID: t.cfg.ID, Name: t.cfg.Name, Slug: t.cfg.Slug, Host: t.cfg.Address, Horizon: m.horizon(t),
	}, t.obs, now)
}
