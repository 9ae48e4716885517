package proxmox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// lookAside looks at members that stand by, beside the call that is under way: once a minute at the configured address
// while another one is active, so that the client goes back to it after five healthy minutes, and at each one that
// failed, so that it does not count as unreachable until it happens to be needed. The function returned waits for the
// looks to end, but not much longer than the call itself took.
func (c *Client) lookAside(ctx context.Context) (wait func()) {
	looks := c.dueLooks(time.Now())
	if len(looks) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for _, l := range looks {
			wg.Go(func() { c.lookAt(ctx, l) })
		}
		wg.Wait()
	}()
	return func() {
		grace := time.NewTimer(probeGrace)
		defer grace.Stop()
		select {
		case <-done:
		case <-grace.C:
		}
		cancel()
		<-done
	}
}

// asideLook is a look at one member.
type asideLook struct {
	at   *endpoint
	call call
}

// dueLooks lists the looks to take now, those that waited longest first, and counts them as taken.
func (c *Client) dueLooks(now time.Time) []asideLook {
	c.mu.Lock()
	defer c.mu.Unlock()
	var looks []asideLook
	for _, e := range append([]*endpoint{c.preferred}, c.others...) {
		h := &e.health
		if e == c.active || now.Sub(h.lastProbe) < memberProbeEvery || !e.preferred && h.err == nil {
			continue
		}
		looks = append(looks, c.lookFor(e))
	}
	slices.SortStableFunc(looks, func(a, b asideLook) int {
		return a.at.health.lastProbe.Compare(b.at.health.lastProbe)
	})
	looks = looks[:min(len(looks), handshakesAtOneTime)]
	for _, l := range looks {
		l.at.health.lastProbe = now
	}
	return looks
}

// lookFor shows the credential only where it matters whether that is taken.
func (c *Client) lookFor(e *endpoint) asideLook {
	if e.preferred || errors.Is(e.health.err, ErrUnauthorized) {
		return asideLook{e, call{op: "look at a member", path: "/version", aside: true}}
	}
	return asideLook{e, call{op: "knock at a member", path: publicPath(c.opt.Kind), public: true, aside: true}}
}

func (c *Client) lookAt(ctx context.Context, l asideLook) {
	_, err := c.ask(ctx, l.at, l.call, acceptAny)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	h := &l.at.health
	switch {
	case err == nil, l.call.public && c.verdictOn(l.at, l.call, err) == memberWorks:
		h.lastOK, h.err, h.failures, h.timeouts = now.UTC(), nil, 0, 0
		c.rehabilitate(l.at, now)
	case ctx.Err() == nil || h.err == nil:
		h.healthySince, h.lastFailure, h.err = time.Time{}, now.UTC(), err
	default: // it was given no time for more than what is known
		h.healthySince = time.Time{}
	}
}

// rehabilitate lets a member that works again be used: a standing by one at once, the configured one when it has worked
// for long enough to go back to it.
func (c *Client) rehabilitate(at *endpoint, now time.Time) {
	h := &at.health
	if !at.preferred {
		h.pausedUntil = time.Time{}
		return
	}
	if h.healthySince.IsZero() {
		h.healthySince = now
	}
	if now.Sub(h.healthySince) >= healthBeforeGoBack {
		h.pausedUntil = time.Time{}
		c.active = at
	}
}

// LookAgain has the failed ones among the members with these node names looked at beside the next call, for reasons the
// caller saw, such as that their node came back.
func (c *Client) LookAgain(nodes ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range append([]*endpoint{c.preferred}, c.others...) {
		if e.health.err != nil && slices.Contains(nodes, e.name) {
			e.health.lastProbe = time.Time{}
		}
	}
}

func acceptAny([]byte) error { return nil }
