package lab_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPulseWatchesTheSimulator(t *testing.T) {
	programs := labtest.Build(t)
	simulator := labtest.Simulator(t, programs, "-clusters", "1", "-nodes", "2", "-guests", "5", "-pbs", "1")
	require.Len(t, simulator.Estate.Clusters, 1)
	cluster := simulator.Estate.Clusters[0].Name

	targets := lab.Declare(simulator.Estate, sim.BackupReader)
	require.Len(t, targets, 2)
	file := filepath.Join(t.TempDir(), "targets.json")
	require.NoError(t, lab.WriteTargets(file, targets))
	pulse := labtest.Pulse(t, programs, lab.PulseOptions{Dir: t.TempDir(), Token: "token", Targets: file})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, pulse.AwaitReady(ctx))

	guests, err := simulator.Guests(ctx, cluster)
	require.NoError(t, err)
	require.Len(t, guests, 5)
	labtest.Await(t, "all guests", func(ctx context.Context) error {
		var state struct {
			VMs        []struct{ ID string } `json:"vms"`
			Containers []struct{ ID string } `json:"containers"`
		}
		reply, err := pulse.Get(ctx, "/api/state")
		if err := errors.Join(err, reply.JSON(&state)); err != nil {
			return err
		}
		if len(state.VMs)+len(state.Containers) != len(guests) {
			return errors.New("not all guests are there")
		}
		return nil
	})

	counts, err := simulator.Counts(ctx, cluster)
	require.NoError(t, err)
	require.Positive(t, counts["GET /cluster/resources"])
	requests, err := simulator.Requests(ctx, cluster)
	require.NoError(t, err)
	require.NotEmpty(t, requests)
	middle := requests[len(requests)/2]
	later, err := simulator.RequestsSince(ctx, cluster, middle.At)
	require.NoError(t, err)
	require.NotContains(t, later, middle)
	require.Subset(t, later, slices.DeleteFunc(requests, func(r sim.Request) bool { return !r.At.After(middle.At) }))
	require.NoError(t, simulator.Fault(ctx, sim.Order{Fault: "unauthorized", Cluster: cluster}))
	require.ErrorContains(t, simulator.Fault(ctx, sim.Order{Fault: "no-such"}), "no-such")
	require.NoError(t, simulator.Act(ctx, "rename", sim.Order{Cluster: cluster, VMID: guests[0].VMID, Name: "other"}))

	open := lab.Pulse{Process: pulse.Process, URL: pulse.URL}
	_, err = open.Stream(ctx)
	require.Error(t, err, "without the token")
	stream, err := pulse.Stream(ctx)
	require.NoError(t, err)
	for _, want := range []string{"welcome", "initialState"} {
		message, err := stream.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, want, message.Type)
		require.NotEmpty(t, message.Data)
	}
	require.NoError(t, stream.Send(map[string]string{"type": "ping"}))
	require.NoError(t, stream.Close())
	reply, err := pulse.Post(ctx, "/api/config/nodes", map[string]string{"type": "no such"})
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, reply.Status)
	require.NoError(t, pulse.Stop(ctx))
	require.NoError(t, pulse.Stop(ctx), "a second stop finds nothing to do")
	require.Contains(t, pulse.Log(), "msg=stopped")
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	programs := labtest.Build(t)
	var exit *exec.ExitError
	_, err := lab.StartPulse(t.Context(), programs, lab.PulseOptions{Env: map[string]string{"LOG_LEVEL": "loud"}})
	require.ErrorAs(t, err, &exit)
	require.ErrorContains(t, err, "LOG_LEVEL")
	_, err = lab.StartSimulator(t.Context(), programs, "-clusters", "-1")
	require.ErrorContains(t, err, "Clusters")
	_, err = lab.StartPulse(t.Context(), lab.Programs{Pulse: filepath.Join(t.TempDir(), "none")}, lab.PulseOptions{})
	require.Error(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pulse, err := lab.StartPulse(ctx, programs, lab.PulseOptions{Env: map[string]string{"LOG_FORMAT": "json"}})
	require.NoError(t, err)
	cancel()
	require.ErrorAs(t, pulse.Wait(t.Context()), &exit)
	require.ErrorContains(t, pulse.AwaitReady(t.Context()), "it has ended")
	require.ErrorContains(t, lab.BuildProgram(t.Context(), filepath.Join(t.TempDir(), "x"), "example.invalid/none"), "none")

	killed := labtest.Pulse(t, programs, lab.PulseOptions{})
	require.NoError(t, killed.Signal(syscall.Signal(0)))
	require.Positive(t, killed.PID())
	killed.Kill()
	<-killed.Ended()
}

func TestAwaitTellsWhatWasMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	missing := errors.New("one guest is missing")
	err := lab.Await(ctx, "all guests", func(context.Context) error {
		defer cancel()
		return missing
	})
	require.ErrorIs(t, err, missing)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "wait for all guests")
}
