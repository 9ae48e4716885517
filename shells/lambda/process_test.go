package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// platform is what Lambda is to a function: it hands out events and takes the answers, by the runtime interface.
type platform struct {
	t      *testing.T
	server *httptest.Server
	events chan []byte
	done   chan outcome
	ids    int

	mu         sync.Mutex
	initError  string
	registered bool // for SIGTERM
}

// outcome is what a function did with an event.
type outcome struct {
	body   []byte
	failed bool
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, events: make(chan []byte), done: make(chan outcome)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { p.take(w, r, false) })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { p.take(w, r, true) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.initError = string(body)
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.registered = true
		w.Header().Set("Lambda-Extension-Identifier", "1")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

func (p *platform) next(w http.ResponseWriter, r *http.Request) {
	select {
	case event := <-p.events:
		p.ids++
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(p.ids))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(30*time.Second).UnixMilli(), 10))
		_, _ = w.Write(event)
	case <-r.Context().Done():
	}
}

func (p *platform) take(w http.ResponseWriter, r *http.Request, failed bool) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	p.done <- outcome{body: body, failed: failed}
}

// start starts the function as a process of its own.
func (p *platform) start(settings env) (*exec.Cmd, *bytes.Buffer) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	p.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = []string{asProgram + "=1", "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(p.server.URL, "http://")}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var log bytes.Buffer // to be read after the end only
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(p.t, cmd.Start())
	return cmd, &log
}

// invoke has the function handle an event.
func (p *platform) invoke(event []byte) outcome {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	select {
	case p.events <- event:
	case <-ctx.Done():
		require.FailNow(p.t, "the function asks for no event")
	}
	select {
	case o := <-p.done:
		return o
	case <-ctx.Done():
		require.FailNow(p.t, "the function does not answer")
		return outcome{}
	}
}

func (p *platform) ask(path string) reply {
	p.t.Helper()
	o := p.invoke(frontHTTP.event(p.t, said("GET", path, "", "X-API-Token: "+token)))
	require.False(p.t, o.failed, "%s", o.body)
	return frontHTTP.read(p.t, o.body)
}

func TestAFunctionWithoutItsSettingsFailsItsInit(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	cmd, log := p.start(env{"PULSE_ENCRYPTION_KEY": "hunter2"})
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	var told struct{ ErrorMessage string }
	require.NoError(t, json.Unmarshal([]byte(p.initError), &told))
	require.Equal(t, "pulse: "+strings.ReplaceAll(told.ErrorMessage, "\n", "\npulse: ")+"\n", log.String())
	for _, name := range []string{"API_TOKEN: is required", "PULSE_ENCRYPTION_KEY: want 32 bytes", "PULSE_STORE (--store): is required"} {
		require.Contains(t, told.ErrorMessage, name)
	}
	require.NotContains(t, told.ErrorMessage, "hunter2")
}

func TestAFunctionLivesThroughWhatThePlatformDoesToIt(t *testing.T) {
	t.Parallel()
	redis := labtest.Redis(t, lab.RedisOptions{Password: "frotz"})
	way := labtest.Proxy(t, lab.ProxyOptions{Target: redis.Address()})
	way.Cut()
	p := newPlatform(t)
	cmd, log := p.start(env{
		"API_TOKEN": token, "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(), "PULSE_STORE": redis.URLAt(way.Address()),
	})
	require.Equal(t, http.StatusServiceUnavailable, p.ask("/api/state").Status, "the store is away at the init")
	way.Heal()
	require.Equal(t, http.StatusOK, p.ask("/api/state").Status)
	require.Equal(t, http.StatusNotImplemented, p.ask("/ws").Status)
	o := p.invoke([]byte(`{"Records":[]}`))
	require.True(t, o.failed, "an event of another form")
	require.Contains(t, string(o.body), "no HTTP request")

	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP)) // as the platform freezes what has nothing to do
	require.NoError(t, redis.CutClients(t.Context()))
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.Equal(t, http.StatusOK, p.ask("/api/config/nodes").Status)

	require.NoError(t, redis.Stop(t.Context()))
	got := p.ask("/api/state")
	require.Equal(t, http.StatusOK, got.Status, "the last state is served")
	require.NoError(t, redis.Start(t.Context()))
	require.Equal(t, http.StatusOK, p.ask("/api/state").Status)

	p.mu.Lock()
	require.True(t, p.registered)
	p.mu.Unlock()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "%s", log)
	require.NotContains(t, log.String(), "frotz")
	require.NotContains(t, log.String(), token)
}

func TestAStoreThatCannotBeUsedFailsTheInit(t *testing.T) {
	t.Parallel()
	evicting := labtest.Redis(t, lab.RedisOptions{Eviction: "allkeys-lru"})
	guarded := labtest.Redis(t, lab.RedisOptions{Password: "frotz"})
	for name, tt := range map[string]struct{ url, says string }{
		"evicting":       {evicting.URL(), "maxmemory-policy"},
		"wrong password": {"redis://:plugh@" + guarded.Address() + "/0", "password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			cmd, log := p.start(env{"API_TOKEN": token, "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(), "PULSE_STORE": tt.url})
			require.Error(t, cmd.Wait())
			require.Contains(t, p.initError, tt.says)
			require.Contains(t, log.String(), tt.says)
			require.NotContains(t, log.String(), "plugh")
		})
	}
}
