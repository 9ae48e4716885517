// Package labtest gives tests the programs of package lab: what cannot be started fails the test, and what was started
// ends with it. A program's log is shown when its test has failed.
package labtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// limit is how long a loaded machine may take for anything that is waited for.
const limit = 2 * time.Minute

// Build builds the programs into a directory that goes with the test.
func Build(t testing.TB, flags ...string) lab.Programs {
	t.Helper()
	programs, err := lab.Build(t.Context(), t.TempDir(), flags...)
	require.NoError(t, err)
	return programs
}

// Simulator starts the simulator; the end of the test ends it.
func Simulator(t testing.TB, programs lab.Programs, args ...string) *lab.Simulator {
	t.Helper()
	// The test's own context ends before the clean-up that stops programs in order.
	s, err := lab.StartSimulator(context.WithoutCancel(t.Context()), programs, args...)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, "simulator", s.Process) })
	return s
}

// Pulse starts Pulse; the end of the test ends it in order, and fails the test when it does not end so.
func Pulse(t testing.TB, programs lab.Programs, o lab.PulseOptions) *lab.Pulse {
	t.Helper()
	p, err := lab.StartPulse(context.WithoutCancel(t.Context()), programs, o)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, "pulse", p.Process) })
	return p
}

// Function starts a function; the end of the test ends its instances in order, and fails the test when one does not end
// so. Those that ended before do not count.
func Function(t testing.TB, program string, o lab.FunctionOptions) *lab.Function {
	t.Helper()
	f, err := lab.StartFunction(context.WithoutCancel(t.Context()), program, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		err := f.Stop(ctx)
		if t.Failed() || err != nil {
			t.Logf("the function wrote:\n%s", f.Log())
		}
		require.NoError(t, err, "end of the function")
	})
	return f
}

// Redis starts a redis-server; without a directory in the options it gets one that goes with the test. The end of the
// test ends it.
func Redis(t testing.TB, o lab.RedisOptions) *lab.Redis {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	r, err := lab.StartRedis(context.WithoutCancel(t.Context()), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		p := r.Process()
		p.Kill()
		if t.Failed() {
			t.Logf("redis wrote:\n%s", p.Log())
		}
	})
	return r
}

// Proxy starts a proxy before a server; the end of the test ends it.
func Proxy(t testing.TB, o lab.ProxyOptions) *lab.Proxy {
	t.Helper()
	p, err := lab.StartProxy(context.WithoutCancel(t.Context()), o)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// Await waits until missing finds nothing missing, for long enough on a loaded machine.
func Await(t testing.TB, what string, missing func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	require.NoError(t, lab.Await(ctx, what, missing))
}

func stop(t testing.TB, name string, p *lab.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := p.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		p.Kill()
	}
	if t.Failed() || err != nil {
		t.Logf("%s wrote:\n%s", name, p.Log())
	}
	require.NoError(t, err, "end of %s", name)
}
