package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/shells"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func settings() env {
	return env{"PULSE_STORE": "shared:", "PULSE_ENCRYPTION_KEY": config.NewKey().Encode()}
}

// opening are parts whose store is opened as open does.
func opening(open func() (store.Store, error)) shells.Parts {
	return shells.Parts{Stores: map[string]shells.StoreKind{"shared": {
		Shared: true, Open: func(context.Context, string) (store.Store, error) { return open() },
	}}}
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

func TestAnInstanceIsOpenedOnceItCanBe(t *testing.T) {
	t.Parallel()
	opened, down := 0, true
	i := New(settings().get, opening(func() (store.Store, error) {
		if down {
			return nil, fmt.Errorf("the Redis at 192.0.2.7:6379: %w", errRefused)
		}
		opened++
		return store.NewMemory(), nil
	}))
	var stderr bytes.Buffer
	require.NoError(t, i.begin(t.Context(), &stderr), "that passes")
	require.Equal(t, "pulse: the Redis at 192.0.2.7:6379: dial tcp: connection refused; each event tries again\n", stderr.String())
	require.Zero(t, i.end(t.Context()), "nothing is open")
	for range cap(i.events) {
		<-i.events
	}
	_, err := i.Pulse(t.Context())
	require.ErrorIs(t, err, errRefused)
	down = false
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := i.Pulse(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, opened)
	require.Zero(t, i.end(t.Context()))
}

func TestWrongSettingsFailTheInitAndThePlatformIsTold(t *testing.T) {
	t.Parallel()
	var told struct {
		ErrorMessage, ErrorType string
		StackTrace              []string
	}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/2018-06-01/runtime/init/error" ||
			r.Header.Get("Lambda-Runtime-Function-Error-Type") != "Pulse.Init" || json.NewDecoder(r.Body).Decode(&told) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer platform.Close()
	parts := opening(nil)
	parts.Required = []string{"API_TOKEN"}
	e := env{EnvRuntimeAPI: strings.TrimPrefix(platform.URL, "http://"), "PULSE_ENCRYPTION_KEY": "hunter2"}
	var stderr bytes.Buffer
	require.Equal(t, 1, Run(t.Context(), e.get, &stderr, parts, nil))
	want := []string{
		"PULSE_ENCRYPTION_KEY: want 32 bytes as base64 or hex",
		"API_TOKEN: is required; it may stand in a file that API_TOKEN_FILE names",
		"PULSE_STORE (--store): is required; this program has shared:",
	}
	require.Equal(t, "pulse: "+strings.Join(want, "\npulse: ")+"\n", stderr.String())
	require.Equal(t, strings.Join(want, "\n"), told.ErrorMessage)
	require.Equal(t, "Pulse.Init", told.ErrorType)
}

func TestAReportThatDoesNotArriveIsSaid(t *testing.T) {
	t.Parallel()
	platform := httptest.NewServer(http.NotFoundHandler())
	defer platform.Close()
	err := reportInit(t.Context(), strings.TrimPrefix(platform.URL, "http://"), errors.New("x"))
	require.EqualError(t, err, "report the failed init: the platform answers 404 Not Found")
	require.Error(t, reportInit(t.Context(), "127.0.0.1:1", errors.New("x")))
	require.Error(t, reportInit(t.Context(), "\x00", errors.New("x")))
}

func TestOutsideOfLambdaItSaysSo(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	require.Equal(t, 2, Run(t.Context(), env{}.get, &stderr, opening(nil), nil))
	require.Equal(t, "pulse: this program runs in AWS Lambda, and nowhere else\n", stderr.String())
}

// handle is a handler of events.
type handle func(ctx context.Context, event []byte) ([]byte, error)

func (h handle) Invoke(ctx context.Context, event []byte) ([]byte, error) { return h(ctx, event) }

func TestAPanicIsAnErrorOfTheEventAlone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	i := New(settings().get, opening(nil))
	i.Log = slog.New(slog.NewTextHandler(&log, nil))
	g := &guarded{instance: i, inner: handle(func(_ context.Context, event []byte) ([]byte, error) {
		if len(event) == 0 {
			panic("hunter2")
		}
		return event, nil
	})}
	out, err := g.Invoke(t.Context(), nil)
	require.Nil(t, out)
	require.EqualError(t, err, "something went wrong inside Pulse; its log tells more")
	require.Contains(t, log.String(), "function_test.go", "the stack")
	out, err = g.Invoke(t.Context(), []byte("x"))
	require.NoError(t, err)
	require.Equal(t, "x", string(out))
}

func TestTheEndWaitsForWhatIsHandledButNotForever(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]int{endLimit / 2: 0, 2 * endLimit: 1} {
		synctest.Test(t, func(t *testing.T) {
			closed := false
			i := New(settings().get, opening(func() (store.Store, error) {
				return &closing{Store: store.NewMemory(), closed: &closed}, nil
			}))
			_, err := i.Pulse(t.Context())
			require.NoError(t, err)
			g := &guarded{instance: i, inner: handle(func(context.Context, []byte) ([]byte, error) {
				time.Sleep(took)
				return nil, nil
			})}
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = g.Invoke(t.Context(), nil) })
			synctest.Wait()
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			require.Equal(t, want, i.end(ended))
			require.Equal(t, want == 0, closed)
			wg.Wait()
			_ = i.pulse.Close()
		})
	}
}

// closing tells that it was closed.
type closing struct {
	store.Store
	closed *bool
}

func (c *closing) Close() error {
	*c.closed = true
	return c.Store.Close()
}

var _ io.Closer = (*closing)(nil)
