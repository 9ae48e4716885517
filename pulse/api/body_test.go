package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// speak sends raw text over a connection and reads the answer.
func speak(l *lab, network *pipes, text string) (answer reply, took time.Duration) {
	l.t.Helper()
	conn, err := network.dial(l.t.Context(), "", "")
	require.NoError(l.t, err)
	defer func() { require.NoError(l.t, conn.Close()) }()
	started := time.Now()
	_, err = conn.Write([]byte(text))
	require.NoError(l.t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(l.t, err)
	defer func() { require.NoError(l.t, response.Body.Close()) }()
	took = time.Since(started)
	body := make([]byte, response.ContentLength)
	_, err = bufio.NewReader(response.Body).Read(body)
	require.NoError(l.t, err)
	return reply{Response: response, body: body}, took
}

func TestABodyThatDoesNotArriveIsGivenUp(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 2}, nil, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		for _, connection := range []string{"close", "keep-alive"} {
			head := "PUT /api/config/system HTTP/1.1\r\nHost: pulse.local\r\nConnection: " + connection +
				"\r\nContent-Type: application/json\r\n"
			answer, took := speak(l, network, head+"Content-Length: 30\r\n\r\n{\"polling")
			answer.failure(t, http.StatusRequestTimeout)
			require.Equal(t, 10*time.Second, took)
			require.True(t, answer.Close, "what is late must not be taken for the next request")
			answer, _ = speak(l, network, head+"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n")
			answer.failure(t, http.StatusBadRequest)
			answer, took = speak(l, network, head+"Content-Length: 70000\r\n\r\n")
			answer.failure(t, http.StatusRequestEntityTooLarge)
			require.Equal(t, time.Second, took, "what is announced as too large is read on for a moment only")
			answer, took = speak(l, network, head+"Transfer-Encoding: chunked\r\n\r\n10001\r\n"+strings.Repeat(" ", 0x10001))
			answer.failure(t, http.StatusRequestEntityTooLarge)
			require.Equal(t, time.Second, took, "what is more than too large is waited for no longer")
			answer, took = speak(l, network, head+"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n")
			answer.failure(t, http.StatusRequestEntityTooLarge)
			require.Zero(t, took, "a client that waits has sent nothing that could be lost")
		}
	})
}

func TestABodyThatNobodyReadsIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 2}, guarded, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		answer, took := speak(l, network,
			"PUT /api/config/system HTTP/1.1\r\nHost: pulse.local\r\nContent-Length: 30\r\n\r\n{\"polling")
		answer.failure(t, http.StatusUnauthorized)
		require.Equal(t, 10*time.Second, took)
	})
}

func TestATargetMayTakeLongerThanTheBodyMay(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 2}, nil, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		cluster := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeSlow(cluster.Name, cluster.Nodes[0].Name, 4*time.Second))
		body, err := json.Marshal(l.draft(0, sim.Auditor))
		require.NoError(t, err)
		answer, took := speak(l, network, fmt.Sprintf("POST /api/config/nodes/test-connection HTTP/1.1\r\nHost: pulse.local\r\n"+
			"Connection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		require.Greater(t, took, 10*time.Second)
	})
}
