package pulse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// ErrBadRevision reports a text that is no revision of the configuration.
var ErrBadRevision = errors.New("no revision")

// askAgain is the time between two looks whether a revision was reached.
const askAgain = 50 * time.Millisecond

// Revision returns the position of the configuration that is in force, to be handed to [Monitor.AwaitRevision] of any
// monitor on the same store. Its form may change; it has letters, digits and dots only.
func (m *Monitor) Revision() string {
	rev := *m.inForce.Load()
	return fmt.Sprintf("%016x.%d", rev.Epoch, rev.N)
}

// AwaitRevision returns when the configuration in force is as new as a revision. The error is [ErrBadRevision], or that
// of ctx if it ends before, as it does for a revision of another store.
func (m *Monitor) AwaitRevision(ctx context.Context, revision string) error {
	wanted, err := parseRevision(revision)
	if err != nil {
		return err
	}
	for {
		if m.reached(wanted) {
			return nil
		}
		m.catchUp(ctx)
		if m.reached(wanted) {
			return nil
		}
		again := time.NewTimer(askAgain)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

func (m *Monitor) reached(wanted store.Revision) bool {
	rev := *m.inForce.Load()
	return rev.Epoch == wanted.Epoch && rev.N >= wanted.N
}

func parseRevision(text string) (store.Revision, error) {
	epochText, nText, found := strings.Cut(text, ".")
	epoch, epochErr := strconv.ParseUint(epochText, 16, 64)
	n, nErr := strconv.ParseUint(nText, 10, 64)
	if !found || epochErr != nil || nErr != nil || len(epochText) != 16 || strings.HasPrefix(nText, "+") {
		return store.Revision{}, ErrBadRevision
	}
	return store.Revision{Epoch: epoch, N: n}, nil
}
