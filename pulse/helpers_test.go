package pulse_test

import (
	"context"
	"log/slog"
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
	store   store.Store
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
		l := &lab{t: t, estate: e, store: memory, keys: config.NewKeyring(config.NewKey())}
		l.options = pulse.Options{
			Store: memory, Keyring: l.keys, DialContext: e.DialContext,
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		}
		l.reopen()
		test(l)
	})
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
