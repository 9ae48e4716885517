package proxmox

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimeLimitsByClass: a call answered from memory is given up sooner than one another node has to answer, and an
// unauthorized reply, which comes after three seconds, is still heard.
func TestTimeLimitsByClass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		delay := time.Duration(0)
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			select {
			case <-time.After(delay):
				return respond(req, status(401)), nil
			case <-req.Context().Done():
				return nil, context.Cause(req.Context())
			}
		})
		took := func(call func() error, want error) time.Duration {
			started := time.Now()
			require.ErrorIs(t, call(), want)
			time.Sleep(time.Hour) // no breaker is open any more
			return time.Since(started) - time.Hour
		}
		version := func() error { _, _, err := c.Version(t.Context()); return err }
		guest := func() error { _, _, err := c.GuestStatus(t.Context(), "n", VM, 100); return err }
		delay = 3 * time.Second
		require.Equal(t, delay, took(version, ErrUnauthorized))
		delay = time.Hour
		require.Equal(t, 8*time.Second, took(version, ErrTimeout))
		require.Equal(t, 35*time.Second, took(guest, ErrTimeout))
		patience, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, time.Second, took(func() error { _, _, err := c.Version(patience); return err }, context.DeadlineExceeded))
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, _, err := c.Version(gone)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, ErrTimeout)
	})
}

// slowBody is a body that takes its time.
type slowBody struct {
	ctx  context.Context
	wait time.Duration
	text *strings.Reader
}

func (b *slowBody) Read(p []byte) (int, error) {
	select {
	case <-time.After(b.wait):
		return b.text.Read(p)
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	}
}

func (*slowBody) Close() error { return nil }

// TestLongRepliesAreGivenTime: once the header is there, the body may take longer than the answer may.
func TestLongRepliesAreGivenTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wait := time.Duration(0)
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			traceConnected(req)
			body := &slowBody{ctx: req.Context(), wait: wait, text: strings.NewReader(versionBody)}
			return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: body, Request: req}, nil
		})
		wait = 14 * time.Second // twice: the text and its end
		require.NoError(t, version(t, c))
		wait = time.Hour
		started := time.Now()
		require.ErrorIs(t, version(t, c), ErrTimeout)
		require.Equal(t, 30*time.Second, time.Since(started))
	})
}

// TestHungNodesLeaveASlotFree: however many calls about nodes hang, the table of resources is still read.
func TestHungNodesLeaveASlotFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "/nodes/") {
				return hanging(req)
			}
			return respond(req, jsonReply(`{"data":[]}`)), nil
		})
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if i%2 == 0 {
					_, _, _ = c.NodeStatus(t.Context(), "n"+strconv.Itoa(i))
					return
				}
				_, _, _ = c.GuestStatus(t.Context(), "n"+strconv.Itoa(i), VM, 100)
			})
		}
		synctest.Wait()
		started := time.Now()
		_, _, err := c.Resources(t.Context())
		require.NoError(t, err)
		require.Zero(t, time.Since(started))
		wg.Wait()
	})
}

// TestWaitingForASlotIsNoHangOfTheNode: calls about a healthy node that wait behind a hung one must not stop its calls.
func TestWaitingForASlotIsNoHangOfTheNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "/nodes/hung/") {
				return hanging(req)
			}
			return respond(req, jsonReply(`{"data":{"status":"running"}}`)), nil
		})
		var wg sync.WaitGroup
		patience := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		wg.Go(func() { _, _, _ = c.GuestStatus(patience(2*time.Second), "hung", VM, 100) })
		synctest.Wait()
		_, _, err := c.GuestStatus(patience(time.Second), "fine", VM, 101)
		require.ErrorIs(t, err, ErrTimeout)
		wg.Wait()
		_, _, err = c.GuestStatus(t.Context(), "fine", VM, 101)
		require.NoError(t, err)
		_, _, err = c.GuestStatus(t.Context(), "hung", VM, 100)
		require.ErrorIs(t, err, ErrSuspended)
	})
}

// inProcess is a client whose members are functions of this process, for tests in a bubble of fake time.
func inProcess(t testing.TB, serve func(member string, req *http.Request) (*http.Response, error), change ...func(*Options)) *Client {
	t.Helper()
	opt := Options{Kind: PVE, Address: "https://pve-a:8006", Credential: testToken()}
	opt.RoundTripper = func(member string) http.RoundTripper {
		return transportFunc(func(req *http.Request) (*http.Response, error) {
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			return serve(member, req)
		})
	}
	for _, f := range change {
		f(&opt)
	}
	c, err := New(opt)
	require.NoError(t, err)
	return c
}

// TestRequestsInFlight: a node has three workers, and one hung node must not take both slots of the member asked.
func TestRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		busy, most := map[string]int{}, map[string]int{}
		enter := func(what string, by int) {
			mu.Lock()
			defer mu.Unlock()
			busy[what] += by
			most[what] = max(most[what], busy[what])
		}
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			whats := []string{"all"}
			parts := strings.Split(req.URL.Path, "/")
			if len(parts) > 6 {
				whats = append(whats, "node", "daemon "+parts[4])
			}
			for _, what := range whats {
				enter(what, 1)
				defer enter(what, -1)
			}
			time.Sleep(time.Second)
			if len(parts) > 6 {
				return respond(req, jsonReply(`{"data":{"status":"running"}}`)), nil
			}
			return respond(req, jsonReply(`{"data":[]}`)), nil
		})
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				_, _, err := c.Resources(t.Context())
				require.NoError(t, err)
			})
			wg.Go(func() {
				_, _, err := c.GuestStatus(t.Context(), "n"+strconv.Itoa(i%2), VM, 100+i)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, map[string]int{"all": 2, "node": 1, "daemon n0": 1, "daemon n1": 1}, most)
	})
}

func TestWaitingForASlotEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _, _ = c.Resources(t.Context()) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.Resources(ctx)
		require.ErrorIs(t, err, ErrTimeout)
		require.NoError(t, c.Members()[0].Err, "waiting for a slot says nothing about the member")
		wg.Wait()
	})
}
