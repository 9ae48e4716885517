package api

import (
	"context"
	"sync/atomic"
	"time"
)

// The bounds of requests that make Pulse connect to where a client says: how many may do so at the same time, how many
// more may wait for their turn, and for how long.
const (
	maxTurns        = 4
	maxWaitingTurns = 32
	turnPatience    = 10 * time.Second
)

// turns lets a few requests at a time do something, and a few more wait for it.
type turns struct {
	taken   chan struct{}
	waiting atomic.Int32
}

func newTurns() *turns { return &turns{taken: make(chan struct{}, maxTurns)} }

// take waits for a turn; whoever got one calls the function returned. The error is for the client.
func (t *turns) take(ctx context.Context) (done func(), err error) {
	done = func() { <-t.taken }
	select {
	case t.taken <- struct{}{}:
		return done, nil
	default:
	}
	defer t.waiting.Add(-1)
	if t.waiting.Add(1) > maxWaitingTurns {
		return nil, errNoTurn()
	}
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	select {
	case t.taken <- struct{}{}:
		return done, nil
	case <-patience.C:
		return nil, errNoTurn()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func errNoTurn() *Error {
	return tooManyRequests(turnPatience, "Too many nodes are tried out or changed at the same time; try again later")
}
