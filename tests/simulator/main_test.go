package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPrintsTheEstateAndStopsWithStdin(t *testing.T) {
	t.Parallel()
	stdin, hold := io.Pipe()
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), []string{"-clusters", "2", "-guests", "10", "-pbs", "1", "-seed", "4"}, stdin, stdout)
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var told ready
	require.NoError(t, json.Unmarshal(line, &told))
	require.Len(t, told.Clusters, 2)
	require.Len(t, told.BackupServers, 1)
	require.NotEmpty(t, told.Clusters[0].Credentials)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, told.Control+"/estate", nil)
	require.NoError(t, err)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	require.NoError(t, hold.Close())
	require.NoError(t, <-done)
}

func TestDetachedStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-demo", "-detached"}, nil, stdout) }()
	_, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-done)
}

func TestBadFlagsAreRefused(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, run(t.Context(), []string{"-h"}, nil, io.Discard), flag.ErrHelp)
	require.ErrorContains(t, run(t.Context(), []string{"-clusters", "-3"}, nil, io.Discard), "Clusters")
	require.ErrorContains(t, run(t.Context(), []string{"-detached", "-control", "256.0.0.1:0"}, nil, io.Discard), "control")
}
