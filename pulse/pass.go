package pulse

import (
	"context"
	"errors"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
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
	if err := m.record(s, after, time.Since(began)); err != nil {
		return err
	}
	m.logTurn(s.id, before, after)
	return m.keepLearned(ctx, s)
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
	return m.record(s, after, 0)
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

// record takes an observation over and publishes it.
func (m *Monitor) record(s *session, obs *estate.Observation, took time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[s.id]
	if t == nil || t.session != s {
		return errChanged
	}
	t.obs = obs
	if took > 0 {
		m.lastPass = took
	}
	now := time.Now()
	m.encode(t, now)
	m.publish(now)
	return nil
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

// keepLearned stores what the client learned since the last time.
func (m *Monitor) keepLearned(ctx context.Context, s *session) error {
	learned := s.client.Learned()
	m.mu.Lock()
	t := m.targets[s.id]
	if t == nil || t.session != s || !learned.At.After(t.memory.learned.At) {
		m.mu.Unlock()
		return nil
	}
	known := sameLearned(t.memory.learned, learned)
	t.memory.learned = learned
	m.mu.Unlock()
	if known {
		return nil
	}
	err := m.saveLearned(ctx, s.id, learned)
	m.noteStore(err)
	return nil // it is learned again at the next start
}
