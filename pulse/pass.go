package pulse

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// errChanged reports a pass that a change of its target overtook.
var errChanged = errors.New("changed meanwhile")

// pass reads a target in full once and publishes what was observed, a failure included. The error is only about Pulse
// itself: a target that is gone or changed, a store that does not answer.
func (m *Monitor) pass(ctx context.Context, s *session) error {
	s.passing.Lock()
	defer s.passing.Unlock()
	before, err := m.latest(s)
	if err != nil {
		return err
	}
	passCtx, done := s.within(ctx)
	defer done()
	began := time.Now()
	after := s.collector.Collect(passCtx, before)
	if ctx.Err() != nil || s.ended.Err() != nil {
		return errors.Join(ctx.Err(), s.ended.Err()) // what a cancelled pass saw is no news of the target
	}
	s.due = began.Add(s.interval)
	m.cycles.Add(1)
	learned, err := m.record(s, after, time.Since(began))
	if err != nil {
		return err
	}
	m.logTurn(s.id, before, after)
	if learned {
		m.noteStore(m.saveLearned(ctx, s.id, s.client.Learned()))
	}
	return nil
}

// watch looks for what happened since the last pass and publishes it.
func (m *Monitor) watch(ctx context.Context, s *session) error {
	s.passing.Lock()
	defer s.passing.Unlock()
	before, err := m.latest(s)
	if err != nil || before == nil || !before.Poll.OK() {
		return err // a target that fails is not asked more often than its passes ask it
	}
	watchCtx, done := s.within(ctx)
	defer done()
	after, changed, err := s.collector.Watch(watchCtx, before)
	if err != nil || !changed {
		if err != nil {
			m.log.Debug("task list not read", "target", s.id, "err", err)
		}
		return nil // the next pass tells whether it matters
	}
	_, err = m.record(s, after, 0)
	return err
}

// latest returns what is known about the session's target.
func (m *Monitor) latest(s *session) (*estate.Observation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[s.id]
	if t == nil || t.session != s {
		return nil, errChanged
	}
	return t.obs, nil
}

// record takes over what a session observed and publishes it. It tells whether the session also learned something that
// the store does not know yet.
func (m *Monitor) record(s *session, obs *estate.Observation, took time.Duration) (learned bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[s.id]
	if t == nil || t.session != s {
		return false, errChanged
	}
	t.obs = obs
	if took > 0 {
		m.lastPass = took
	}
	if news := s.client.Learned(); news.At.After(t.memory.learned.At) {
		learned = !sameLearned(t.memory.learned, news)
		t.memory.learned = news
	}
	now := time.Now()
	m.encode(t, now)
	m.publish(now)
	return learned, nil
}

// logTurn says when a target stops or starts to answer, once for each turn.
func (m *Monitor) logTurn(id estate.TargetID, before, after *estate.Observation) {
	was := before != nil && before.Poll.OK()
	switch {
	case !after.Poll.OK() && (was || before == nil || before.Poll.Reason != after.Poll.Reason):
		m.log.Warn("target not read", "target", id, "reason", string(after.Poll.Reason), "err", after.Poll.Error)
	case after.Poll.OK() && !was:
		m.log.Info("target read", "target", id, "nodes", len(after.Nodes), "guests", len(after.Guests),
			"storages", len(after.Storages), "took", after.Poll.Took)
	}
}

// sameLearned tells whether two learnings differ in their time only.
func sameLearned(a, b proxmox.Learned) bool {
	return a.Version == b.Version && a.ClusterName == b.ClusterName &&
		slices.Equal(a.Members, b.Members) && bytes.Equal(a.CA, b.CA)
}
