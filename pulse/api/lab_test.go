package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "tok-dummy-123"

// lab is an API over a real monitor, and in most tests a simulated estate in the same process.
type lab struct {
	t       testing.TB
	estate  *sim.Estate // nil without one
	store   *store.Memory
	monitor *pulse.Monitor
	api     *api.API
	log     *bytes.Buffer
	keys    *config.Keyring
}

// newLab returns a lab without an estate.
func newLab(t testing.TB, change func(*api.Options)) *lab {
	t.Helper()
	l := &lab{t: t, store: store.NewMemory(), keys: config.NewKeyring(config.NewKey())}
	t.Cleanup(func() { require.NoError(t, l.store.Close()) })
	l.open(pulse.Options{}, change)
	return l
}

// inLab runs a test on fake time, with an estate that answers in memory.
func inLab(t *testing.T, cfg sim.Config, change func(*api.Options), test func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.InMemory = true
		e, err := sim.New(cfg)
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context()))
		defer e.Stop()
		l := &lab{t: t, estate: e, store: store.NewMemory(), keys: config.NewKeyring(config.NewKey())}
		defer func() { require.NoError(t, l.store.Close()) }()
		l.open(pulse.Options{DialContext: e.DialContext}, change)
		defer func() { require.NoError(t, l.api.Close(context.WithoutCancel(t.Context()))) }()
		test(l)
	})
}

// open makes a monitor and an API over the lab's store, as a start does.
func (l *lab) open(options pulse.Options, change func(*api.Options)) {
	l.log = &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options.Store, options.Keyring = l.store, l.keys
	options.Logger, options.Version = logger, "v5.0.0"
	var err error
	l.monitor, err = pulse.New(options)
	require.NoError(l.t, err)
	require.NoError(l.t, l.monitor.Load(l.t.Context()))
	opt := api.Options{Monitor: l.monitor, Logger: logger, Hostname: "pulse.example.net", Version: api.Version{Number: "v5.0.0"}}
	if change != nil {
		change(&opt)
	}
	l.api, err = api.New(opt)
	require.NoError(l.t, err)
}

func guarded(o *api.Options) { o.Token = token }

// reply is an answer as a client reads it.
type reply struct {
	*http.Response
	body []byte
}

// do sends a request through the whole chain of handlers. The body is JSON text, or a value to encode; headers are
// "Name: value".
func (l *lab) do(method, path string, body any, headers ...string) reply {
	l.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		require.NoError(l.t, err)
		reader = bytes.NewReader(data)
	}
	r := httptest.NewRequestWithContext(l.t.Context(), method, "http://pulse.local:7655"+path, reader)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, r)
	answer := w.Result()
	data, err := io.ReadAll(answer.Body)
	require.NoError(l.t, err)
	return reply{Response: answer, body: data}
}

// get reads a document as a client with the token does.
func (l *lab) get(path string, into any) {
	l.t.Helper()
	answer := l.do(http.MethodGet, path, nil, "X-API-Token: "+token)
	require.Equal(l.t, http.StatusOK, answer.StatusCode, "%s: %s", path, answer.body)
	require.NoError(l.t, json.Unmarshal(answer.body, into))
}

// failure checks that an answer is an error of the one shape, and returns its sentence.
func (r reply) failure(t testing.TB, status int) string {
	t.Helper()
	require.Equal(t, status, r.StatusCode, "%s", r.body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	var e struct {
		Error string `json:"error"`
	}
	require.NoError(t, json.Unmarshal(r.body, &e), "%s", r.body)
	require.NotEmpty(t, e.Error)
	return e.Error
}

// draft is the body that adds the n-th cluster of the estate.
func (l *lab) draft(n int, role sim.Role) map[string]any {
	cluster := l.estate.Clusters()[n]
	return draftOf("pve", cluster.Name, cluster.URL(), cluster.Credentials[role])
}

func (l *lab) serverDraft(n int, role sim.Role) map[string]any {
	server := l.estate.BackupServers()[n]
	return draftOf("pbs", server.Name, server.URL, server.Credentials[role])
}

func draftOf(kind, name, host string, c sim.Credential) map[string]any {
	return map[string]any{
		"type": kind, "name": name, "host": host, "tokenName": c.TokenID, "tokenValue": c.TokenSecret,
	}
}

// watch adds the estate's first cluster and backup server and reads them once.
func (l *lab) watch() {
	l.t.Helper()
	for i := range l.estate.Clusters() {
		answer := l.do(http.MethodPost, "/api/config/nodes", l.draft(i, sim.Auditor), "X-API-Token: "+token)
		require.Equal(l.t, http.StatusCreated, answer.StatusCode, "%s", answer.body)
	}
	for i := range l.estate.BackupServers() {
		answer := l.do(http.MethodPost, "/api/config/nodes", l.serverDraft(i, sim.Auditor), "X-API-Token: "+token)
		require.Equal(l.t, http.StatusCreated, answer.StatusCode, "%s", answer.body)
	}
	l.poll()
}

func (l *lab) poll() {
	l.t.Helper()
	require.NoError(l.t, l.monitor.Poll(l.t.Context()))
}

// run runs the monitor; the returned function stops it and waits.
func (l *lab) run() (stop func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	go func() { done <- l.monitor.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(l.t, <-done)
	}
}

// pass lets fake time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
