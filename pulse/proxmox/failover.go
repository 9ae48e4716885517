package proxmox

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// MemberHealth is how one way into a target stands.
type MemberHealth struct {
	Member
	// Preferred marks the configured address; Active the way that is taken now.
	Preferred, Active bool
	// LastOK and LastFailure are in UTC; zero when there was none.
	LastOK, LastFailure time.Time
	// Err is why it failed last; nil once it works again.
	Err error
}

// Members tells how each way in stands: the configured address first, then the learned members by name.
func (c *Client) Members() []MemberHealth {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []MemberHealth{c.healthOf(c.preferred)}
	for _, e := range c.others {
		out = append(out, c.healthOf(e))
	}
	slices.SortFunc(out[1:], func(a, b MemberHealth) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (c *Client) healthOf(e *endpoint) MemberHealth {
	return MemberHealth{
		Member:    Member{Name: e.name, Address: e.base, Fingerprint: c.trust.offer(e.base).fingerprint},
		Preferred: e.preferred, Active: e == c.active,
		LastOK: e.health.lastOK, LastFailure: e.health.lastFailure, Err: e.health.err,
	}
}

// Avoid leaves a member aside for a minute, for reasons the caller saw, such as that it is without quorum. member is
// [Meta.Member] of its reply. It reports whether another way in is left.
func (c *Client) Avoid(member string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, e := range append([]*endpoint{c.preferred}, c.others...) {
		if e.base == member {
			e.health.pausedUntil = now.Add(avoidPause)
			e.health.healthySince = time.Time{}
		}
	}
	for _, e := range c.inOrder(now) {
		if !now.Before(e.health.pausedUntil) {
			c.active = e
			return true
		}
	}
	return false
}

// inOrder lists the ways in, the best first: the active one, the configured address, then members that answered.
// Those that failed a short while ago come last.
func (c *Client) inOrder(now time.Time) []*endpoint {
	all := append([]*endpoint{c.active}, c.preferred)
	all = append(all, c.others...)
	out := make([]*endpoint, 0, len(all))
	for _, e := range all {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	rank := func(e *endpoint) int {
		switch {
		case now.Before(e.health.pausedUntil):
			return 3
		case e == c.active || e.preferred:
			return 0
		case !e.health.lastOK.IsZero():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b *endpoint) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// candidates are the ways in to try for one call: those not paused, or else the one that paused first and the
// configured address.
func (c *Client) candidates() ([]*endpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	now := time.Now()
	all := c.inOrder(now)
	usable := 0
	for usable < len(all) && !now.Before(all[usable].health.pausedUntil) {
		usable++
	}
	if usable > 0 {
		return all[:min(usable, membersTriedPerCall)], nil
	}
	soonest := slices.MinFunc(all, func(a, b *endpoint) int { return a.health.pausedUntil.Compare(b.health.pausedUntil) })
	if soonest == c.preferred {
		return []*endpoint{soonest}, nil
	}
	return []*endpoint{soonest, c.preferred}, nil
}

// failover makes a call at the first way in that works. Of several failures the configured address's is returned.
func (c *Client) failover(ctx context.Context, k call, decode func(body []byte) error) (Meta, error) {
	ways, err := c.candidates()
	if err != nil {
		return Meta{}, named(k, err)
	}
	var meta Meta
	var failure error
	var doubted *endpoint // refused a credential that was good before
	var doubt error
	for _, at := range ways {
		started := time.Now()
		m, err := c.ask(ctx, at, k, decode)
		if doubted == nil && len(ways) > 1 && newlyRefused(err) && c.auth.wasProved() {
			doubted, doubt = at, err
			continue
		}
		next := c.account(ctx, at, k, time.Since(started), err)
		if !next {
			c.settleCredential(k, at, doubted, doubt, err)
			return m, err
		}
		if failure == nil || at.preferred {
			meta, failure = m, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	if doubted != nil {
		c.auth.refuse(doubt)
		return Meta{Member: doubted.base}, doubt
	}
	return meta, failure
}

// newlyRefused tells a refusal from the memory of one.
func newlyRefused(err error) bool {
	return errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrSuspended)
}

// settleCredential draws the conclusion about the credential from how a call at a member ended. A member that lost touch with its cluster refuses what
// the others accept: then it is that member's failure.
func (c *Client) settleCredential(k call, at, doubted *endpoint, doubt, err error) {
	switch {
	case k.public || !answered(err):
		return
	case newlyRefused(err):
		c.auth.refuse(err)
		return
	}
	c.auth.accept()
	if doubted != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.failed(doubted, now, doubt)
		c.worked(at, now)
	}
}

// account takes note of how a call at a member ended and tells whether to try the next one.
func (c *Client) account(ctx context.Context, at *endpoint, k call, took time.Duration, err error) (next bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdict := c.verdictOn(at, k, err)
	if ctx.Err() != nil && took < c.opt.Timeouts.Connect+c.opt.Timeouts.Handshake && verdict != memberWorks {
		return false // the caller had no patience: that says nothing about the member
	}
	now := time.Now()
	switch verdict {
	case memberWorks:
		c.worked(at, now)
	case memberElsewhere:
		return true
	case memberSlow:
		if at.health.timeouts++; at.health.timeouts < timeoutsUntilSwitch {
			at.health.lastFailure, at.health.err = now.UTC(), err
			return false
		}
		c.failed(at, now, err)
		return true
	case memberDown:
		c.failed(at, now, err)
		return true
	}
	return false
}

// verdict is what the outcome of a call says about the member asked.
type verdict int

const (
	memberSilent    verdict = iota // nothing
	memberWorks                    // it answered
	memberElsewhere                // it answered, but another may do this call better
	memberSlow                     // it may hang
	memberDown                     // it cannot be reached
)

func (c *Client) verdictOn(at *endpoint, k call, err error) verdict {
	var e *Error
	if err == nil || !errors.As(err, &e) {
		return memberWorks
	}
	var transport *transportError
	own := k.node == "" || k.node == at.name
	switch e.Kind {
	case ErrTimeout: //nolint:errorlint // Kind is one of the sentinels, never a wrapped one
		switch {
		case !errors.As(err, &transport):
			return memberSilent // it waited for a slot
		case !transport.connected:
			return memberDown
		case own:
			return memberSlow
		}
		return memberSilent
	case ErrDNS, ErrRefused, ErrUnreachable, ErrTLS:
		return memberDown
	case ErrOverloaded, ErrNotProxmox:
		return memberSlow
	case ErrNodeUnreachable, ErrNodeHung:
		// Without a node in the path it is the asked member's own daemon that does not answer.
		if k.node == "" {
			return memberElsewhere
		}
		return memberWorks
	}
	if e.Status == 0 {
		return memberSilent
	}
	return memberWorks
}

func (c *Client) worked(at *endpoint, now time.Time) {
	h := &at.health
	h.lastOK, h.err, h.timeouts, h.failures, h.pausedUntil = now.UTC(), nil, 0, 0, time.Time{}
	if at != c.active && now.Before(c.active.health.pausedUntil) {
		c.active = at
	}
}

func (c *Client) failed(at *endpoint, now time.Time, err error) {
	h := &at.health
	h.lastFailure, h.err, h.timeouts, h.healthySince = now.UTC(), err, 0, time.Time{}
	h.pausedUntil = now.Add(min(firstPause<<min(h.failures, 8), longestPause))
	h.failures++
	h.lastProbe = now
}
