package collect

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// Options say which target to read, through which client, and what of it.
type Options struct {
	// Target names the target; its kind decides between a PVE and a PBS pass.
	Target estate.TargetID
	// Client talks to the target. The collector neither makes nor closes it. Required.
	Client *proxmox.Client
	// Collect says which parts are read.
	Collect config.Collect
	// Account is the token id or user that the client logs in with, to be named in the commands that grant a missing
	// privilege. When empty they name a placeholder.
	Account string
	// Interval is the time between two full passes; zero is 10 s. The slow readings are spread by it.
	Interval time.Duration
	// Logger is told what went wrong beside the main reading; nil discards.
	Logger *slog.Logger
}

// Collector reads one target through a client. It keeps nothing between passes except the client: everything a later
// pass needs is in the observation, so that another process can go on. It is safe for concurrent use, though two passes
// from the same observation do the same work twice.
type Collector struct {
	opt Options
	// looked is when the task list was last read through this collector, in Unix nanoseconds. It only saves a pass from
	// reading it again; a pass in another process does.
	looked atomic.Int64
	// learned is when the members were last asked for through this collector's client, in Unix nanoseconds: what one
	// client learned, another does not know.
	learned atomic.Int64
}

// New returns a collector. It does no I/O and starts nothing.
func New(opt Options) *Collector {
	if opt.Interval <= 0 {
		opt.Interval = defaultInterval
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Collector{opt: opt}
}

// Collect makes one full pass. prev is the observation to go on from; it may be nil and is never changed. Collect always
// returns an observation: after a failure it carries the reason in its Poll and the last values with the age they have.
// All goroutines it starts have ended when it returns.
func (c *Collector) Collect(ctx context.Context, prev *estate.Observation) *estate.Observation {
	return c.pass(ctx, prev)
}

// Watch reads the task list of a PVE target between two passes and, for tasks that concern a guest and are new or newly
// ended, that guest's own status. It returns prev itself and false when nothing changed, also when err is not nil. A PBS
// target has nothing to watch. At most 2 guests per node and 20 in all are read; the next pass shows the rest.
func (c *Collector) Watch(ctx context.Context, prev *estate.Observation) (next *estate.Observation, changed bool, err error) {
	return c.watch(ctx, prev)
}
