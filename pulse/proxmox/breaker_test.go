package proxmox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBreakerStopsCallsAboutAHungNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := 0
		hung := true
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(req.URL.Path, "/current") {
				asked++
				if hung {
					return respond(req, status(596)), nil
				}
			}
			return respond(req, jsonReply(`{"data":{"status":"running"}}`)), nil
		})
		guest := func() error { _, _, err := c.GuestStatus(t.Context(), "pve-c", VM, 1103); return err }
		require.ErrorIs(t, guest(), ErrNodeHung)
		err := guest()
		require.ErrorIs(t, err, ErrSuspended)
		require.ErrorIs(t, err, ErrNodeHung, "why it is suspended")
		require.Equal(t, 1, asked)
		_, _, err = c.NodeStatus(t.Context(), "pve-c")
		require.NoError(t, err, "calls that need no daemon go on")
		_, _, err = c.GuestStatus(t.Context(), "pve-b", VM, 1)
		require.ErrorIs(t, err, ErrNodeHung, "another node has a breaker of its own")
		asked = 0
		tries := []time.Duration{}
		started := time.Now()
		for time.Since(started) < 40*time.Minute {
			before := asked
			_ = guest()
			if asked > before {
				tries = append(tries, time.Since(started).Round(time.Second))
			}
			time.Sleep(time.Second)
		}
		require.Equal(t, []time.Duration{30 * time.Second, 90 * time.Second, 210 * time.Second, 450 * time.Second, 930 * time.Second, 1530 * time.Second, 2130 * time.Second}, tries)
		hung = false
		time.Sleep(10 * time.Minute)
		require.NoError(t, guest())
		require.NoError(t, guest())
	})
}

func TestBreakerWaitsForThreeRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		code := 595
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			return respond(req, status(code)), nil
		})
		node := func() error { _, _, err := c.NodeStatus(t.Context(), "pve-c"); return err }
		for range 3 {
			require.NotErrorIs(t, node(), ErrSuspended)
		}
		require.ErrorIs(t, node(), ErrSuspended)
		time.Sleep(time.Minute)
		code = 403
		require.ErrorIs(t, node(), ErrForbidden, "the node answers again, whatever it says")
		code = 595
		require.NotErrorIs(t, node(), ErrSuspended)
	})
}

// TestBreakerLetsOneCallTry: while it is not known whether the node answers again, the others do not queue behind.
func TestBreakerLetsOneCallTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) { return hanging(req) })
		guest := func(ctx context.Context) error { _, _, err := c.GuestStatus(ctx, "pve-c", VM, 1103); return err }
		require.ErrorIs(t, guest(t.Context()), ErrTimeout)
		time.Sleep(30 * time.Second)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var suspended, timedOut int
		started := time.Now()
		for range 5 {
			wg.Go(func() {
				err := guest(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrSuspended) {
					suspended++
					return
				}
				timedOut++
			})
		}
		wg.Wait()
		require.Equal(t, [2]int{4, 1}, [2]int{suspended, timedOut})
		require.Equal(t, 8*time.Second, time.Since(started), "a try is given less time")

		time.Sleep(10 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, guest(ctx), context.Canceled)
		require.NotErrorIs(t, guest(t.Context()), ErrSuspended, "a try that was called off counts for nothing")
	})
}
