package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// askAgain is the time between two questions whether something is so.
const askAgain = 10 * time.Millisecond

// Await asks until the answer is nil. When ctx ends first, the error names what was awaited and holds the last answer,
// so give ctx a limit that a loaded machine keeps.
func Await(ctx context.Context, what string, missing func(context.Context) error) error {
	again := time.NewTicker(askAgain)
	defer again.Stop()
	var last error
	for {
		err := missing(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
			last = err // what the context's end makes of a question says nothing
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(context.Cause(ctx), last))
		case <-again.C:
		}
	}
}

// errEnded reports that a program ended that something is awaited from.
var errEnded = errors.New("it has ended")

// AwaitReady waits until Pulse says that it is ready, by /api/ready. It fails at once when Pulse has ended.
func (p *Pulse) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return Await(ctx, "readiness", func(ctx context.Context) error {
		select {
		case <-p.ended:
			cancel(errEnded)
			return p.failure(errEnded)
		default:
		}
		reply, err := p.Get(ctx, "/api/ready")
		if err == nil && reply.Status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", reply.Status, reply.Body)
		}
		return err
	})
}
