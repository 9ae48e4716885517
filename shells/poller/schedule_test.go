package main

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

// event reads a recorded event.
func event(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return data
}

func TestOnlyTheEventOfAScheduleIsTaken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rule", "scheduler"} {
		require.True(t, scheduled(event(t, name)), name)
	}
	for _, other := range []string{
		"", "null", "[]", "{}", `{"source":"aws.events"}`, `{"source":"aws.s3","detail-type":"Scheduled Event"}`,
		`{"source":"aws.events","detail-type":"EC2 Instance State-change Notification"}`,
		`{"version":"2.0","requestContext":{"http":{"method":"GET"}}}`,
	} {
		s := &schedule{}
		out, err := s.Invoke(t.Context(), []byte(other))
		require.ErrorIs(t, err, errNotScheduled, other)
		require.Nil(t, out)
	}
}

func TestPollingEndsBeforeTheInvocationDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		data := store.NewMemory()
		instance := function.New(settings().get, onData(t, data))
		s := &schedule{instance: instance}
		for range 3 { // the process is used again
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			out, err := s.Invoke(ctx, event(t, "rule"))
			require.NoError(t, err)
			require.JSONEq(t, `{"targets":0,"passes":0,"failures":0}`, string(out))
			require.Equal(t, time.Minute-commitMargin, time.Since(began))
			cancel()
			time.Sleep(10 * time.Minute) // frozen
		}
		p, err := instance.Pulse(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.Close())
		require.NoError(t, data.Close())
	})
}

func TestATimeoutThatIsTooShortIsSaid(t *testing.T) {
	t.Parallel()
	s := &schedule{}
	_, err := s.Invoke(t.Context(), event(t, "rule"))
	require.EqualError(t, err, "the invocation has no deadline")
	now := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), now.Add(3*time.Second))
	defer cancel()
	_, _, err = pollingTime(ctx, now)
	require.EqualError(t, err, "the function's timeout is too short to poll: 3s are left of it, want at least 10s, "+
		"and best a little less than the schedule's interval")
	ctx, cancel = context.WithDeadline(t.Context(), now.Add(commitMargin+leastPolling))
	defer cancel()
	ctx, cancel, err = pollingTime(ctx, now)
	require.NoError(t, err)
	defer cancel()
	end, _ := ctx.Deadline()
	require.Equal(t, now.Add(leastPolling), end)
}

func TestPollingTellsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := sim.New(sim.Config{Seed: 1, Clusters: 1, NodesPerCluster: 1, Guests: 4, InMemory: true})
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context()))
		defer e.Stop()
		data := store.NewMemory()
		m, err := pulse.New(pulse.Options{
			Store: data, Keyring: config.NewKeyring(config.NewKey()), DialContext: e.DialContext,
			Shared: true, Role: pulse.RolePoller,
		})
		require.NoError(t, err)
		require.NoError(t, m.Load(t.Context()))
		c := e.Clusters()[0]
		address, reader := c.URL(), c.Credentials[sim.Auditor]
		secret, none := config.NewSecret(reader.TokenSecret), "https://192.0.2.99:8006"
		for _, at := range []string{address, none} {
			_, err = m.AddTarget(t.Context(), estate.PVE, pulse.TargetPatch{Address: &at, TokenID: &reader.TokenID, TokenSecret: &secret})
			require.NoError(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 55*time.Second)
		defer cancel()
		outcome, err := pollUntilDone(ctx, &shells.Pulse{Monitor: m})
		require.NoError(t, err)
		require.Equal(t, 2, outcome.Targets)
		require.Equal(t, 1, outcome.Failures)
		require.GreaterOrEqual(t, outcome.Passes, int64(6), "each 10 s, and some of the one that fails")
		group, err := data.List(t.Context(), "pve-0", "")
		require.NoError(t, err)
		require.NotEmpty(t, group.Items, "what was observed is committed")

		require.NoError(t, data.Close())
		_, err = pollUntilDone(t.Context(), &shells.Pulse{Monitor: m})
		require.Error(t, err, "a store that fails is told")
	})
}

func FuzzScheduled(f *testing.F) {
	f.Add(event(f, "rule"))
	f.Add(event(f, "scheduler"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if scheduled(data) && !json.Valid(data) {
			t.Fatal("what is no JSON is no event")
		}
	})
}

func TestAProcessThatIsToldToEndDoesNotReportAWholeTimeOfPolling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		data := store.NewMemory()
		instance := function.New(settings().get, onData(t, data))
		told, tell := context.WithCancel(t.Context())
		ctx, cancel := context.WithTimeout(told, time.Minute)
		defer cancel()
		time.AfterFunc(20*time.Second, tell)
		began := time.Now()
		_, err := (&schedule{instance: instance}).Invoke(ctx, event(t, "scheduler"))
		require.ErrorIs(t, err, errTold)
		require.Equal(t, 20*time.Second, time.Since(began))
		p, err := instance.Pulse(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.Close())
		require.NoError(t, data.Close())
	})
}
