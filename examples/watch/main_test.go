package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunTellsWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var out strings.Builder
		require.NoError(t, run(ctx, &out))
		require.ElementsMatch(t, []string{
			"guest home-assistant stopped",
			"guest nextcloud moved from alder to birch",
			"guest grafana vanished",
			"guest newborn appeared on cedar",
		}, strings.Split(strings.TrimSpace(out.String()), "\n"))
	})
}

// full takes no more text.
type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestRunTellsThatNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { require.ErrorIs(t, run(t.Context(), full{}), errFull) })
}
