package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/shells"
)

// asProgram makes the test binary be the program itself, for what only a process of its own can show.
const asProgram = "PULSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

// settings are those without which nothing starts.
func settings() env {
	return env{"PULSE_STORE": "shared:", "PULSE_ENCRYPTION_KEY": config.NewKey().Encode()}
}

// partsOver are those of the program, but with stores that all open the same data.
func partsOver(open func() (store.Store, error)) shells.Parts {
	p := parts()
	p.Log = nil
	p.Stores = map[string]shells.StoreKind{"shared": {Shared: true, Open: func(context.Context, string) (store.Store, error) {
		return open()
	}}}
	return p
}

func onData(t *testing.T, data *store.Memory) shells.Parts {
	t.Helper()
	return partsOver(func() (store.Store, error) { return data.Replica(), nil })
}

// observed is what another process then knows about the targets.
func observed(t *testing.T, e env, data *store.Memory) []pulse.TargetState {
	t.Helper()
	p, err := shells.Open(t.Context(), e.get, onData(t, data))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	return p.Monitor.Snapshot().Targets
}

// declared is a simulated cluster, and a host that does not answer, as settings declare them.
func declared(t *testing.T) string {
	t.Helper()
	e, err := sim.New(sim.Config{Seed: 1, Clusters: 1, NodesPerCluster: 1, Guests: 4})
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context()))
	t.Cleanup(e.Stop)
	c := e.Clusters()[0]
	reader := c.Credentials[sim.Auditor]
	return "targets:\n- {type: pve, host: '" + c.URL() + "', tokenName: '" + reader.TokenID + "', tokenValue: '" + reader.TokenSecret + "'}\n" +
		"- {type: pve, host: 'https://127.0.0.1:1', user: m@pve, password: hunter2}\n"
}

func TestOnceReadsWhatIsDueAndCommitsIt(t *testing.T) {
	t.Parallel()
	data := store.NewMemory()
	t.Cleanup(func() { require.NoError(t, data.Close()) })
	e := settings()
	e["PULSE_TARGETS_DATA"] = declared(t)
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--once"}, e.get, onData(t, data), &stdout, &stderr), stderr.String())
	require.Empty(t, stdout.String())
	targets := observed(t, e, data)
	require.Len(t, targets, 2)
	require.Len(t, targets[0].Observation.Guests, 4)
	require.False(t, targets[1].Observation.Poll.OK(), "that a target does not answer is what is observed")
}

func TestLoopPollsUntilToldToEnd(t *testing.T) {
	t.Parallel()
	data := store.NewMemory()
	t.Cleanup(func() { require.NoError(t, data.Close()) })
	e := settings()
	e["PULSE_TARGETS_DATA"] = declared(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &follower{found: make(chan struct{}), until: "msg=\"target read\""}
	p := onData(t, data)
	p.Log = log
	code := make(chan int)
	go func() { code <- run(ctx, []string{"--loop"}, e.get, p, &bytes.Buffer{}, log) }()
	<-log.found
	cancel()
	require.Zero(t, <-code)
	require.Len(t, observed(t, e, data)[0].Observation.Guests, 4)
}

// follower is a log that tells when a text was written to it.
type follower struct {
	mu    sync.Mutex
	text  strings.Builder
	until string
	found chan struct{}
	told  bool
}

func (f *follower) Write(data []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text.Write(data)
	if !f.told && strings.Contains(f.text.String(), f.until) {
		f.told = true
		close(f.found)
	}
	return len(data), nil
}

func TestWhatStopsThePollerIsOneSentence(t *testing.T) {
	t.Parallel()
	const want = "want one of --once, --loop and --version, and nothing else"
	for _, tt := range []struct {
		args []string
		env  env
		code int
		want string
	}{
		{nil, settings(), 2, want},
		{[]string{"--once", "--loop"}, settings(), 2, want},
		{[]string{"--once", "more"}, settings(), 2, want},
		{[]string{"--twice"}, settings(), 2, "flag provided but not defined: -twice"},
		{
			[]string{"--once"}, env{}, 1, "PULSE_ENCRYPTION_KEY: is required; it may stand in a file that PULSE_ENCRYPTION_KEY_FILE names\n" +
				"pulse-poller: PULSE_STORE (--store): is required; this program has shared:",
		},
		{
			[]string{"--loop"},
			env{"PULSE_ENCRYPTION_KEY": "x", "PULSE_STORE": "shared:", "PULSE_ROLE": "api"},
			1,
			"PULSE_ENCRYPTION_KEY: want 32 bytes as base64 or hex\n" +
				"pulse-poller: PULSE_ROLE (--role): want poller or nothing, since this program has no other role",
		},
	} {
		var stdout, stderr bytes.Buffer
		p := partsOver(func() (store.Store, error) { return nil, errors.New("not reached") })
		require.Equal(t, tt.code, run(t.Context(), tt.args, tt.env.get, p, &stdout, &stderr), tt.args)
		want := "pulse-poller: " + tt.want + "\n"
		if tt.code == exitUsage {
			want += "\n" + usage
		}
		require.Equal(t, want, stderr.String())
		require.Empty(t, stdout.String())
	}
}

func TestAFailingStoreIsAFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := partsOver(func() (store.Store, error) { return nil, errors.New("the Redis at 192.0.2.7:6379 cannot be used") })
	require.Equal(t, 1, run(t.Context(), []string{"--once"}, settings().get, p, &bytes.Buffer{}, &stderr))
	require.Equal(t, "pulse-poller: the Redis at 192.0.2.7:6379 cannot be used\n", stderr.String())

	broken := store.NewMemory()
	require.NoError(t, broken.Close())
	stderr.Reset()
	p = partsOver(func() (store.Store, error) { return broken, nil })
	require.Equal(t, 1, run(t.Context(), []string{"--once"}, settings().get, p, &bytes.Buffer{}, &stderr))
	require.Contains(t, stderr.String(), "the store is not available")
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--help"}, env{}.get, parts(), &stdout, &stderr))
	for _, word := range []string{"--once", "--loop", "--version", "PULSE_STORE", "PULSE_ENCRYPTION_KEY"} {
		require.Contains(t, stdout.String(), word)
	}
	stdout.Reset()
	require.Zero(t, run(t.Context(), []string{"--version"}, env{}.get, parts(), &stdout, &stderr))
	require.Regexp(t, `^pulse-poller \S+\n$`, stdout.String())
	require.Empty(t, stderr.String())
}
