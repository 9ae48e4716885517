package pulse

import "context"

// gate lets one in at a time, as a mutex does, but waiting for it ends with a context.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// enter waits for the gate to be free; leave must follow unless there is an error, which is that of ctx.
func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }
