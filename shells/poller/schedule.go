package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

const (
	// commitMargin is what is kept of an invocation's time for the last commits and for ending.
	commitMargin = 4 * time.Second
	// leastPolling is how much time for polling an invocation needs to be of use.
	leastPolling = 6 * time.Second
)

// errNotScheduled reports another event than that of a schedule.
var errNotScheduled = errors.New("the event is not that of a schedule: want the one that an EventBridge rule or schedule " +
	"sends by itself, a Scheduled Event")

// errTold reports that the platform ended the process before the time of an invocation was over.
var errTold = errors.New("the process was told to end; what was observed until then is written")

// schedule handles the events of a schedule: each is a time of polling.
type schedule struct{ instance *function.Instance }

// summary is what an invocation answers.
type summary struct {
	Targets  int   `json:"targets"`  // configured
	Passes   int64 `json:"passes"`   // made over targets
	Failures int   `json:"failures"` // targets that cannot be read at the end
}

// Invoke polls until shortly before the invocation's deadline. A target that does not answer is no error; a store that
// does not is one.
func (s *schedule) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if !scheduled(event) {
		return nil, errNotScheduled
	}
	ctx, cancel, err := pollingTime(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	defer cancel()
	p, err := s.instance.Pulse(ctx)
	if err != nil {
		return nil, fmt.Errorf("open Pulse: %w", err)
	}
	outcome, err := pollUntilDone(ctx, p)
	if err != nil {
		return nil, err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, errTold
	}
	p.Log.Info("polled", "targets", outcome.Targets, "passes", outcome.Passes, "failures", outcome.Failures)
	return json.Marshal(outcome)
}

// scheduled tells whether an event is that of an EventBridge rule or of EventBridge Scheduler.
func scheduled(event []byte) bool {
	var e struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
	}
	if json.Unmarshal(event, &e) != nil {
		return false
	}
	return e.DetailType == "Scheduled Event" && (e.Source == "aws.events" || e.Source == "aws.scheduler")
}

// pollingTime returns a context that ends early enough before the deadline of ctx, which the platform always sets.
func pollingTime(ctx context.Context, now time.Time) (context.Context, context.CancelFunc, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, nil, errors.New("the invocation has no deadline")
	}
	end := deadline.Add(-commitMargin)
	if least := now.Add(leastPolling); end.Before(least) {
		return nil, nil, fmt.Errorf("the function's timeout is too short to poll: %s are left of it, want at least %s, "+
			"and best a little less than the schedule's interval",
			deadline.Sub(now).Round(time.Millisecond), commitMargin+leastPolling)
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	return ctx, cancel, nil
}

// pollUntilDone runs the monitor until ctx ends and tells what came of it.
func pollUntilDone(ctx context.Context, p *shells.Pulse) (summary, error) {
	before := p.Monitor.Diagnostics(ctx).Cycles
	if err := p.Monitor.Refresh(ctx); err != nil { // the process may have slept since it last knew anything
		return summary{}, fmt.Errorf("read what is to be polled: %w", err)
	}
	if err := p.Monitor.Run(ctx); err != nil {
		return summary{}, fmt.Errorf("poll: %w", err)
	}
	now := p.Monitor.Diagnostics(context.WithoutCancel(ctx))
	if now.StoreError != nil {
		return summary{}, fmt.Errorf("write what was observed: %w", now.StoreError)
	}
	outcome := summary{Passes: now.Cycles - before}
	for _, t := range p.Monitor.Snapshot().Targets {
		outcome.Targets++
		if t.Status == pulse.Disconnected {
			outcome.Failures++
		}
	}
	return outcome, nil
}
