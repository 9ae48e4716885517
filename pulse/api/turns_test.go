package api

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTurnsAreFewAndSoAreThoseThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		release := make([]func(), maxTurns)
		for i := range release {
			var err error
			release[i], err = turns.take(t.Context())
			require.NoError(t, err)
		}
		var waiting sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[bool]int{}
		for range maxWaitingTurns {
			waiting.Go(func() {
				done, err := turns.take(t.Context())
				mu.Lock()
				outcomes[err == nil]++
				mu.Unlock()
				if err == nil {
					done()
				}
			})
		}
		synctest.Wait()
		refused(t, turns, 0)
		release[0]()
		waiting.Wait()
		require.Equal(t, map[bool]int{true: maxWaitingTurns}, outcomes)

		var err error
		release[0], err = turns.take(t.Context())
		require.NoError(t, err)
		refused(t, turns, turnPatience)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = turns.take(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, turns.waiting.Load())
	})
}

// refused checks that there is no turn, and that this is said after so long.
func refused(t *testing.T, turns *turns, after time.Duration) {
	t.Helper()
	started := time.Now()
	_, err := turns.take(t.Context())
	var told *Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, http.StatusTooManyRequests, told.GetStatus())
	require.Equal(t, "10", told.GetHeaders().Get("Retry-After"))
	require.Equal(t, after, time.Since(started))
}
