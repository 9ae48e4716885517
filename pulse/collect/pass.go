package collect

import (
	"context"
	"errors"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

const (
	defaultInterval = 10 * time.Second

	// The first pass shows nodes with their details if they come within this time from its start.
	firstPass = 900 * time.Millisecond
	// Slow readings may take this long beyond the main reading, or six times as long as that took where the way to the
	// target is slow; what takes longer counts as not answering.
	slowGrace    = 1500 * time.Millisecond
	slowGraceMax = 5 * time.Second
	// Checks that the main reading asks for before it can be told.
	checkTimeout = 1500 * time.Millisecond
)

func (c *Collector) pass(ctx context.Context, prev *estate.Observation) *estate.Observation {
	if c.opt.Target.Kind() == estate.PBS {
		return c.passServer(ctx, prev)
	}
	return c.passCluster(ctx, prev)
}

// begin opens a pass.
func (c *Collector) begin(prev *estate.Observation) *draft {
	d := draftOf(prev, c.opt.Target)
	d.obs.Poll.Requests, d.obs.Poll.Degraded, d.obs.Poll.Unreachable = 0, "", nil
	return d
}

// graceFor is how long slow readings may take behind a main reading that took so long.
func graceFor(took time.Duration) time.Duration {
	return min(max(6*took, slowGrace), slowGraceMax)
}

// failed closes a pass without a main reading. A pass that was called off says nothing about the target.
func (c *Collector) failed(ctx context.Context, d *draft, prev *estate.Observation, err error, started time.Time) *estate.Observation {
	if prev != nil && errors.Is(ctx.Err(), context.Canceled) {
		d.obs.Poll = prev.Poll
		return d.done()
	}
	d.obs.Poll.Unreachable = unreachable(c.opt.Client.Members())
	d.fail(reasonOf(err), sentenceOf(err), started, time.Now().UTC())
	return d.done()
}
