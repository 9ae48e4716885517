package pulse

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// The group in which the pollers of a shared store say that they are there, each with a key that vanishes unless it is
// written again.
const (
	replicasGroup = "replicas"
	pollerPrefix  = "poller/"
)

// A poller that says nothing for two fifths of the shortest interval counts as dead, so that its targets are read by
// others before two intervals are over.
const (
	minPresence = time.Second
	maxPresence = 10 * time.Second
)

// storeLimit bounds one use of a shared store on the way of a pass, so that a store that hangs delays reading little.
const storeLimit = 5 * time.Second

// drawReplica returns a name that no other process has.
func drawReplica() string { return strings.ToLower(rand.Text()[:12]) }

// presence returns how long a poller's word holds.
func (m *Monitor) presence() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	shortest := m.settings.Load().PollingInterval
	for _, t := range m.order {
		shortest = min(shortest, m.interval(t))
	}
	return min(max(shortest*2/5, minPresence), maxPresence)
}

// takePart says to the other pollers that this one is there, and takes over its share of the targets, until ctx ends.
func (m *Monitor) takePart(ctx context.Context) {
	defer m.leave(ctx)
	for {
		holds := m.presence()
		m.meetPollers(ctx, holds)
		next := time.NewTimer(holds / 3)
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
	}
}

// meetPollers writes this poller's presence and learns of the others. While the store is away the shares stay.
func (m *Monitor) meetPollers(ctx context.Context, holds time.Duration) {
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	err := m.present(limited, store.Op{Key: pollerPrefix + m.opt.Replica, Any: true, Value: []byte{}, TTL: holds})
	if err == nil {
		var list store.Group
		if list, err = m.opt.Store.List(limited, replicasGroup, pollerPrefix); err == nil {
			m.share(pollersIn(list))
		}
	}
	m.noteStore(ctx, err)
}

func pollersIn(list store.Group) []string {
	pollers := make([]string, len(list.Items))
	for i, item := range list.Items {
		pollers[i] = strings.TrimPrefix(item.Key, pollerPrefix)
	}
	return pollers
}

// present writes to the pollers' group, which may have to come into being.
func (m *Monitor) present(ctx context.Context, op store.Op) error {
	for {
		_, err := m.opt.Store.Commit(ctx, store.Commit{Group: replicasGroup, Epoch: m.replicasEpoch, Ops: []store.Op{op}})
		if !raced(err) {
			return err
		}
		heads, err := m.opt.Store.Heads(ctx, replicasGroup)
		if err != nil {
			return err
		}
		m.replicasEpoch = heads[0].Epoch
	}
}

// leave takes this poller's word back, so that the others need not wait for its end.
func (m *Monitor) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	m.share(nil)
	if err := m.present(ctx, store.Op{Key: pollerPrefix + m.opt.Replica, Any: true, Delete: true}); err != nil {
		m.log.Debug("the other replicas were not told of the end", "err", err)
	}
}

// share takes over who polls; what changes hands is looked at soon.
func (m *Monitor) share(pollers []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.pollers, pollers) {
		m.log.Info("pollers", "replica", m.opt.Replica, "pollers", strings.Join(pollers, " "))
		m.pollers = pollers
		m.shareOut()
	}
}

// shareOut gives each target to a poller; m.mu is held.
func (m *Monitor) shareOut() {
	if !m.opt.Shared {
		return
	}
	ids := make([]estate.TargetID, len(m.order))
	for i, t := range m.order {
		ids[i] = t.cfg.ID
	}
	owners := assign(ids, m.pollers)
	for _, t := range m.order {
		mine := owners[t.cfg.ID] == m.opt.Replica
		if mine != t.mine {
			t.mine = mine
			t.look()
		}
	}
}

// mine tells whether this process reads a target on schedule.
func (m *Monitor) mine(id estate.TargetID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	return t != nil && (t.mine || !m.opt.Shared)
}

// leaseName names the lease of a pass over a target.
func leaseName(id estate.TargetID) string { return "poll/" + string(id) }

// errElsewhere reports a target that another process reads at the moment.
var errElsewhere = errors.New("read elsewhere")

// hold takes the lease of a pass, and renews it until done is called. While the store is away a pass goes without:
// leases only save double work.
func (m *Monitor) hold(ctx context.Context, id estate.TargetID) (done func(), err error) {
	if m.storeFailure() != nil {
		return func() {}, nil
	}
	holds := m.presence()
	lease, err := m.acquire(ctx, id, holds)
	switch {
	case errors.Is(err, store.ErrLeaseHeld):
		return nil, errElsewhere
	case err != nil:
		m.noteStore(ctx, err)
		return func() {}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		m.renew(ctx, id, holds)
	}()
	return func() {
		cancel()
		<-renewed
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
		defer cancel()
		if err := m.opt.Store.Release(ctx, lease); err != nil {
			m.log.Debug("lease not released", "target", id, "err", err)
		}
	}, nil
}

func (m *Monitor) acquire(ctx context.Context, id estate.TargetID, holds time.Duration) (store.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return m.opt.Store.Acquire(ctx, leaseName(id), m.opt.Replica, holds)
}

// renew keeps a lease until ctx ends. One that is lost stays lost: the pass goes on, and its commit tells.
func (m *Monitor) renew(ctx context.Context, id estate.TargetID, holds time.Duration) {
	tick := time.NewTicker(holds / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := m.acquire(ctx, id, holds); errors.Is(err, store.ErrLeaseHeld) {
			return
		}
	}
}
