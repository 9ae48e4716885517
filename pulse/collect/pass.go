package collect

import (
	"context"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

const defaultInterval = 10 * time.Second

func (c *Collector) pass(_ context.Context, prev *estate.Observation) *estate.Observation {
	next := estate.Observation{Version: estate.ObservationVersion, Target: c.opt.Target}
	if prev != nil {
		next = *prev
	}
	return &next
}

func (c *Collector) watch(_ context.Context, prev *estate.Observation) (*estate.Observation, bool, error) {
	return prev, false, nil
}
