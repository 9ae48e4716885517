package pulse_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a simulated estate without sockets, and a monitor that watches it on fake time.
type lab struct {
	t       *testing.T
	estate  *sim.Estate
	store   store.Store // what is stored, without hooks
	hooks   *hookStore  // what the monitor uses
	logs    *lines
	keys    *config.Keyring
	options pulse.Options
	monitor *pulse.Monitor
}

// inLab runs a test on fake time with an estate that answers in memory.
func inLab(t *testing.T, cfg sim.Config, test func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.InMemory = true
		e, err := sim.New(cfg)
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context()))
		defer e.Stop()
		memory := store.NewMemory()
		defer func() { require.NoError(t, memory.Close()) }()
		l := &lab{
			t: t, estate: e, store: memory, hooks: &hookStore{Store: memory}, logs: &lines{},
			keys: config.NewKeyring(config.NewKey()),
		}
		l.options = pulse.Options{
			Store: l.hooks, Keyring: l.keys, DialContext: e.DialContext,
			Logger: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), l.logs), nil)),
		}
		l.reopen()
		test(l)
	})
}

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// reopen makes another monitor over the same store, as a restart does.
func (l *lab) reopen() {
	m, err := pulse.New(l.options)
	require.NoError(l.t, err)
	l.monitor = m
}

// run runs the monitor; the returned function stops it and waits.
func (l *lab) run() (stop func()) {
	require.NoError(l.t, l.monitor.Load(l.t.Context()))
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	go func() { done <- l.monitor.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(l.t, <-done)
	}
}

// add configures the n-th cluster of the estate.
func (l *lab) add(n int) config.Target {
	cluster := l.estate.Clusters()[n]
	return l.addPatch(estate.PVE, patchOf(cluster.Name, cluster.URL(), cluster.Credentials[sim.Auditor]))
}

func (l *lab) addServer(n int) config.Target {
	server := l.estate.BackupServers()[n]
	return l.addPatch(estate.PBS, patchOf(server.Name, server.URL, server.Credentials[sim.Auditor]))
}

func (l *lab) addPatch(kind estate.TargetKind, p pulse.TargetPatch) config.Target {
	t, err := l.monitor.AddTarget(l.t.Context(), kind, p)
	require.NoError(l.t, err)
	return t
}

func patchOf(name, address string, c sim.Credential) pulse.TargetPatch {
	secret := config.NewSecret(c.TokenSecret)
	return pulse.TargetPatch{Name: &name, Address: &address, TokenID: &c.TokenID, TokenSecret: &secret}
}

// state returns what is known about a target now.
func (l *lab) state(id estate.TargetID) pulse.TargetState {
	s, ok := l.monitor.Snapshot().Target(id)
	require.True(l.t, ok, "no target %s", id)
	return s
}

// within waits, on fake time, until a condition holds, and fails if that takes longer than limit.
func (l *lab) within(limit time.Duration, what string, holds func() bool) {
	l.t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		require.False(l.t, time.Now().After(deadline), "not within %s: %s", limit, what)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
	}
}

// connected waits until a target was read.
func (l *lab) connected(id estate.TargetID) {
	l.t.Helper()
	l.within(2*time.Second, string(id)+" connected", func() bool { return l.state(id).Status == pulse.Connected })
}

// poll makes one pass.
func (l *lab) poll() {
	l.t.Helper()
	require.NoError(l.t, l.monitor.Poll(l.t.Context()))
}

// passes counts the full passes over a cluster.
func (l *lab) passes(n int) int {
	return l.estate.RequestCounts(l.estate.Clusters()[n].Name)["GET /cluster/resources"]
}

// value returns what is stored under a key, and whether anything is.
func (l *lab) value(group, key string) ([]byte, bool) {
	g, err := l.store.Get(l.t.Context(), group, key)
	require.NoError(l.t, err)
	if len(g.Items) == 0 {
		return nil, false
	}
	return g.Items[0].Value, true
}

// put stores a value behind the monitor's back.
func (l *lab) put(group, key, value string) {
	heads, err := l.store.Heads(l.t.Context(), group)
	require.NoError(l.t, err)
	_, err = l.store.Commit(l.t.Context(), store.Commit{
		Group: group, Epoch: heads[0].Epoch, Ops: []store.Op{{Key: key, Any: true, Value: []byte(value)}},
	})
	require.NoError(l.t, err)
}

// keysOf lists the keys of a group.
func (l *lab) keysOf(group string) []string {
	list, err := l.store.List(l.t.Context(), group, "")
	require.NoError(l.t, err)
	var keys []string
	for _, item := range list.Items {
		keys = append(keys, item.Key)
	}
	return keys
}
