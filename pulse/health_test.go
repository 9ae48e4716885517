package pulse

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// late is a context whose time is over and that does not say so yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now(), true }

func TestStoreThatKnewOfTheDeadlineFirstHasNotFailed(t *testing.T) {
	t.Parallel()
	m, err := New(Options{Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey())})
	require.NoError(t, err)
	m.noteStore(late{t.Context()}, context.DeadlineExceeded)
	require.NoError(t, m.storeFailure())
	failure := errors.New("the connection was reset")
	m.noteStore(t.Context(), failure)
	require.ErrorIs(t, m.storeFailure(), failure)
}
