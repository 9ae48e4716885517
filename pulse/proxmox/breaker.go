package proxmox

import (
	"errors"
	"sync"
	"time"
)

const (
	unreachableUntilOpen = 3
	firstBreak           = 30 * time.Second
	longestBreak         = 10 * time.Minute
)

// breaker stops calls about nodes that do not answer, so that they do not hold up the calls about others. It keeps
// unprivileged and protected calls apart: a node whose privileged daemon is down answers the former.
type breaker struct {
	mu       sync.Mutex
	circuits map[circuitKey]*circuit
}

type circuitKey struct {
	node      string
	protected bool
}

type circuit struct {
	failures int
	pause    time.Duration // 0: closed
	until    time.Time
	trying   bool // one call was let through to see
	cause    error
}

func newBreaker() *breaker {
	return &breaker{circuits: map[circuitKey]*circuit{}}
}

// allow fails while calls like k are stopped. trial tells that this one is let through to see whether they work again.
func (b *breaker) allow(k call) (trial bool, err error) {
	if k.node == "" {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.circuits[circuitKey{k.node, k.protected}]
	if state == nil || state.pause == 0 {
		return false, nil
	}
	if state.trying || time.Now().Before(state.until) {
		return false, &SuspendedError{Until: state.until.UTC(), Cause: state.cause}
	}
	state.trying = true
	return true, nil
}

// record takes note of how a call that was allowed ended.
func (b *breaker) record(k call, trial bool, err error) {
	if k.node == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := circuitKey{k.node, k.protected}
	state := b.circuits[key]
	if state != nil && trial {
		state.trying = false
	}
	hung := errors.Is(err, ErrNodeHung) || errors.Is(err, ErrTimeout) && wasAsked(err)
	unreachable := errors.Is(err, ErrNodeUnreachable)
	switch {
	case !hung && !unreachable:
		if answered(err) {
			delete(b.circuits, key)
		}
		return
	case state == nil:
		state = &circuit{}
		b.circuits[key] = state
	}
	state.failures++
	state.cause = err
	// A hang costs half a minute each time, so the first is enough; a refusal comes at once.
	if hung || trial || state.failures >= unreachableUntilOpen {
		state.pause = min(max(2*state.pause, firstBreak), longestBreak)
		state.until = time.Now().Add(state.pause)
	}
}

// answered reports whether the node a call was about had a say in the outcome.
func answered(err error) bool {
	var e *Error
	return err == nil || errors.As(err, &e) && e.Status != 0
}

// wasAsked tells a call that was under way from one that ran out of time while it waited for a free slot.
func wasAsked(err error) bool {
	var transport *transportError
	return errors.As(err, &transport)
}
