package pulse

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// errChanged reports a pass that a change of its target overtook.
var errChanged = errors.New("changed meanwhile")

// read makes a pass over a target, with dueOnly only when its time has come, and publishes what was observed, a failure
// included. What stands in the way inside Pulse shows as a failed pass too, and is logged when it turns up.
func (m *Monitor) read(ctx context.Context, id estate.TargetID, dueOnly bool) {
	s, err := m.open(ctx, id)
	if err == nil {
		err = m.pass(ctx, s, dueOnly)
	}
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, errElsewhere), errors.Is(err, errOvertaken):
		return
	case errors.Is(err, errChanged), errors.Is(err, ErrNotFound):
		return // a change has the target read again
	}
	if m.recordFailure(id) {
		m.log.Warn("target cannot be read", "target", id, "err", err)
	}
}

// pass reads a target in full once. The error is errChanged, errElsewhere, errOvertaken or that of ctx.
func (m *Monitor) pass(ctx context.Context, s *session, dueOnly bool) error {
	if err := s.busy.enter(ctx); err != nil {
		return err
	}
	defer s.busy.leave()
	if m.opt.Shared {
		m.noteAttempt(s.id)
		done, err := m.hold(ctx, s.id)
		if err != nil {
			return err
		}
		defer done()
		if m.storeFailure() == nil {
			m.rereadAll(ctx, []estate.TargetID{s.id})
		}
	}
	before, mem, err := m.latest(s)
	if err != nil {
		return err
	}
	if dueOnly && !m.isDue(s, before) {
		return nil
	}
	passCtx, done := s.within(ctx)
	defer done()
	began := time.Now()
	after := s.collector.Collect(passCtx, before)
	switch { // what a pass saw that was called off is no news of the target
	case ctx.Err() != nil:
		return ctx.Err()
	case s.ended.Err() != nil:
		return errChanged
	}
	s.due = began.Add(earliest(backOff(s.interval, after.Poll.Failures, after.Poll.Reason)))
	m.cycles.Add(1)
	if err := m.record(ctx, s, mem, after, time.Since(began)); err != nil {
		return err
	}
	m.logTurn(s.id, before, after)
	return nil
}

func (m *Monitor) noteAttempt(id estate.TargetID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.targets[id]; t != nil {
		t.attempted = time.Now()
	}
}

// isDue tells whether the time of a target's next pass has come: by what was observed last, by whichever process, and by
// what this one tried last.
func (m *Monitor) isDue(s *session, last *estate.Observation) bool {
	now := time.Now()
	if !m.opt.Shared || last == nil {
		return !now.Before(s.due)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.targets[s.id]; t != nil && t.changed {
		return true
	}
	since := now.Sub(last.Poll.Started)
	return since < -clockLead || since >= earliest(backOff(s.interval, last.Poll.Failures, last.Poll.Reason))
}

// clockLead is how far another process's clock may be ahead before its times say nothing about what is due.
const clockLead = time.Second

// watch looks for what happened since the last pass and publishes it.
func (m *Monitor) watch(ctx context.Context, id estate.TargetID) {
	s := m.sessionOf(id)
	if s == nil || id.Kind() != estate.PVE || s.busy.enter(ctx) != nil {
		return
	}
	defer s.busy.leave()
	before, mem, err := m.latest(s)
	if err != nil || before == nil || !before.Poll.OK() {
		return // a target that fails is not asked more often than its passes ask it
	}
	watchCtx, done := s.within(ctx)
	defer done()
	after, changed, err := s.collector.Watch(watchCtx, before)
	if err != nil { // the next pass tells whether it matters
		m.log.Debug("task list not read", "target", id, "err", err)
	}
	if changed && s.ended.Err() == nil {
		_ = m.record(ctx, s, mem, after, 0) // a change has the target read again
	}
}

func (m *Monitor) sessionOf(id estate.TargetID) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.targets[id]; t != nil {
		return t.session
	}
	return nil
}

// latest returns what is known about the session's target, and what is stored of it.
func (m *Monitor) latest(s *session) (*estate.Observation, memory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[s.id]
	if t == nil || t.session != s {
		return nil, memory{}, errChanged
	}
	return t.obs, t.memory, nil
}

// record takes over what a session observed, going on from what was stored then, and publishes it.
func (m *Monitor) record(ctx context.Context, s *session, mem memory, obs *estate.Observation, took time.Duration) error {
	t, c, err := m.take(s, mem, obs, took)
	if err != nil {
		return err
	}
	var after memory
	if m.opt.Shared && m.storeFailure() == nil {
		after, err = m.contribute(ctx, c)
		switch {
		case errors.Is(err, errOvertaken):
			return errors.Join(errOvertaken, m.reread(ctx, s.id))
		case errors.Is(err, errChanged):
			return err
		case err != nil:
			m.log.Debug("what was observed is kept in memory only", "target", s.id, "err", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[s.id] != t || t.session != s {
		return errChanged
	}
	if after.latest != nil {
		if head := t.memory.head; head.Epoch == after.head.Epoch && head.N > after.head.N {
			return nil // another process went on from this already
		}
		after.news = after.news || t.memory.news && !t.memory.learned.At.Equal(c.memory.learned.At)
		t.memory = after
	}
	m.observe(t, c.obs)
	return nil
}

// take notes what a session learned and what goes with an observation, and returns what to write for other processes.
func (m *Monitor) take(s *session, mem memory, obs *estate.Observation, took time.Duration) (*target, contribution, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[s.id]
	if t == nil || t.session != s {
		return nil, contribution{}, errChanged
	}
	if took > 0 {
		m.lastPass = took
		t.changed = false
	}
	t.takeLearned(s.client.Learned())
	mem.learned, mem.news = t.memory.learned, t.memory.news
	return t, contribution{cfg: t.cfg, memory: mem, obs: m.noteTwin(t, obs), pin: s.pinned()}, nil
}

// recordFailure publishes that Pulse itself stood in the way of reading a target, and tells whether that is news. What
// exactly it was is for the log only.
func (m *Monitor) recordFailure(id estate.TargetID) (news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	if t == nil {
		return false
	}
	now := time.Now().UTC()
	next := estate.Observation{Version: estate.ObservationVersion, Target: id}
	if t.obs != nil {
		next = *t.obs
	}
	news = next.Poll.Error != storedUnusable
	p := &next.Poll
	p.Started, p.Ended, p.Took, p.Requests = now, now, 0, 0
	p.Reason, p.Error = estate.ReasonFailed, storedUnusable
	p.Failures++
	if p.FailedSince.IsZero() {
		p.FailedSince = now
	}
	m.observe(t, &next)
	return news
}

// storedUnusable is what people are told when Pulse cannot begin to read a target.
const storedUnusable = "What Pulse has stored about this target cannot be used now; its log says why."

// observe makes obs the latest that is known about a target; m.mu is held.
func (m *Monitor) observe(t *target, obs *estate.Observation) {
	t.obs, t.tried = obs, true
	now := time.Now()
	m.encode(t, now)
	m.publish(now)
}

// logTurn says when a target stops or starts to answer, once for each turn.
func (m *Monitor) logTurn(id estate.TargetID, before, after *estate.Observation) {
	was := before != nil && before.Poll.OK()
	switch {
	case !after.Poll.OK() && (was || before == nil || before.Poll.Reason != after.Poll.Reason):
		m.log.Warn("target not read", "target", id, "reason", string(after.Poll.Reason), "err", after.Poll.Error)
	case after.Poll.OK() && !was:
		m.log.Info("target read", "target", id, "nodes", len(after.Nodes), "guests", len(after.Guests),
			"storages", len(after.Storages), "datastores", datastores(after), "took", after.Poll.Took)
	}
	if !after.Poll.OK() {
		return
	}
	switch now, earlier := troubleOf(after), troubleOf(before); {
	case now != "" && now != earlier:
		m.log.Warn("target read in part", "target", id, "err", now)
	case now == "" && earlier != "" && was:
		m.log.Info("target read in full again", "target", id)
	}
}

// troubleOf says what of a target was not read while the rest was; nothing when all was.
func troubleOf(obs *estate.Observation) string {
	switch {
	case obs == nil:
		return ""
	case obs.Poll.Degraded == "" && len(obs.Poll.Unreachable) > 0:
		return "no answer from " + strings.Join(obs.Poll.Unreachable, ", ")
	default:
		return obs.Poll.Degraded
	}
}

func datastores(obs *estate.Observation) int {
	if obs.Server == nil {
		return 0
	}
	return len(obs.Server.Datastores)
}

// sameLearned tells whether two learnings differ in their time only.
func sameLearned(a, b proxmox.Learned) bool {
	return a.Version == b.Version && a.ClusterName == b.ClusterName &&
		slices.Equal(a.Members, b.Members) && bytes.Equal(a.CA, b.CA)
}
