package proxmox

import (
	"context"
	"time"
)

// probePreferred looks at the configured address once a minute while another one is active, beside the call that is
// under way; after five healthy minutes the client goes back to it. The function returned waits for the look to end,
// but not much longer than the call itself took.
func (c *Client) probePreferred(ctx context.Context) (wait func()) {
	c.mu.Lock()
	now := time.Now()
	h := &c.preferred.health
	due := c.active != c.preferred && now.Sub(h.lastProbe) >= preferredProbeEvery
	if due {
		h.lastProbe = now
	}
	c.mu.Unlock()
	if !due {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.checkPreferred(ctx)
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

func (c *Client) checkPreferred(ctx context.Context) {
	_, err := c.ask(ctx, c.preferred, call{op: "look at the preferred member", path: "/version", aside: true}, acceptAny)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	h := &c.preferred.health
	if err != nil {
		h.healthySince, h.lastFailure, h.err = time.Time{}, now.UTC(), err
		return
	}
	h.lastOK, h.err, h.failures, h.timeouts = now.UTC(), nil, 0, 0
	if h.healthySince.IsZero() {
		h.healthySince = now
	}
	if now.Sub(h.healthySince) >= healthBeforeGoBack {
		h.pausedUntil = time.Time{}
		c.active = c.preferred
	}
}

func acceptAny([]byte) error { return nil }
