package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQuickShortensWhatWasNotGiven(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-quick", "-runs", "2"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 2, o.runs)
	require.Equal(t, []string{"1000", "10000"}, o.scenes)
	require.Less(t, o.steady, 30*time.Second)
	o, err = parse(nil, io.Discard)
	require.NoError(t, err)
	require.Equal(t, sceneNames(), o.scenes)
	_, err = parse([]string{"-h"}, io.Discard)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.ErrorContains(t, (&bench{options: options{scenes: []string{"none"}}}).all(t.Context()), `"none"`)
}

func TestResultsAreOneTable(t *testing.T) {
	t.Parallel()
	r := newResults()
	for _, v := range []float64{12.34, 3, 1000.4, 3.5} {
		r.add("small", "CPU", "us", v)
	}
	r.add("large", "CPU", "us", 1)
	var table bytes.Buffer
	require.NoError(t, r.print(&table))
	require.Equal(t, ""+
		"| estate | what | unit | min  | median | max  | n   |\n"+
		"| ---    | ---  | ---  | ---  | ---    | ---  | --- |\n"+
		"| small  | CPU  | us   | 3.00 | 7.92   | 1000 | 4   |\n"+
		"| large  | CPU  | us   | 1.00 | 1.00   | 1.00 | 1   |\n", table.String())
	encoded, err := json.Marshal(r.rows()[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"estate":"large","name":"CPU","unit":"us","min":1,"median":1,"max":1,"measurements":1}`, string(encoded))
}

func TestStateTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	e := estate{clusters: 1, nodes: 1, guests: 2, backupServers: 0}
	for text, want := range map[string]string{
		`{"targets":[{"status":"pending"}]}`: "not read",
		`{}`:                                 "0 of 1 nodes",
		`{"nodes":[{}],"vms":[{}]}`:          "1 of 2 guests",
		`{"nodes":[{}],"vms":[{}],"containers":[{}]}`:                             "0 of 1 storages",
		`{"nodes":[{}],"vms":[{}],"containers":[{}],"storage":[{}]}`:              "",
		`{"nodes":[{}],"vms":[{}],"containers":[{}],"storage":[{}],"extra":[{}]}`: "",
	} {
		var s state
		require.NoError(t, json.Unmarshal([]byte(text), &s))
		if err := s.missing(e); want != "" {
			require.ErrorContains(t, err, want)
		} else {
			require.NoError(t, err)
		}
	}
}

func TestProcessIsRead(t *testing.T) {
	t.Parallel()
	before, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, before)
	_, err = cpuTicks(os.Getpid())
	require.NoError(t, err)
	m, err := readMemory(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, m.resident)
	require.Positive(t, m.proportional)
	require.GreaterOrEqual(t, m.peak, m.resident)
	_, err = writtenBytes(os.Getpid())
	require.NoError(t, err)
	_, err = field("/proc/self/status", "NoSuch:")
	require.ErrorContains(t, err, "NoSuch:")
}

func TestStreamClientReadsWhatAServerSends(t *testing.T) {
	t.Parallel()
	long := `{"type":"rawData","data":{"vms":[{"id":"clu-pve1-100","vmid":100,"status":"stopped"}]},"pad":"` +
		strings.Repeat("0123456789abcdef", 10_000) + `"}`
	upgrader := websocket.Upgrader{EnableCompression: true}
	ponged := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		conn.EnableWriteCompression(false)
		_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"welcome"}`))
		_ = conn.WriteControl(websocket.PingMessage, []byte("here"), time.Now().Add(time.Minute))
		conn.EnableWriteCompression(true)
		message, _ := websocket.NewPreparedMessage(websocket.TextMessage, []byte(long))
		_ = conn.WritePreparedMessage(message)
		conn.SetPongHandler(func(text string) error {
			ponged <- text
			return io.EOF
		})
		_, _, _ = conn.ReadMessage()
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, "away"), time.Now().Add(time.Minute))
	}))
	defer server.Close()
	c, err := dialStream(t.Context(), server.URL, "")
	require.NoError(t, err)
	defer c.close()
	seen := newMessages()
	var last *message
	for _, kind := range []string{"welcome", "rawData"} {
		payload, compressed, err := c.next()
		require.NoError(t, err)
		require.Equal(t, kind == "rawData", compressed)
		last, err = seen.read(payload, compressed)
		require.NoError(t, err)
		require.Equal(t, kind, last.kind)
		again, err := seen.read(payload, compressed)
		require.NoError(t, err)
		require.Same(t, last, again)
	}
	require.Equal(t, long, string(last.text))
	require.Equal(t, "stopped", last.status(`"id":"clu-pve1-100"`))
	require.Empty(t, last.status(`"id":"clu-pve1-101"`))
	require.Equal(t, "here", <-ponged)
	_, _, err = c.next()
	require.ErrorContains(t, err, "away")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dialStream(ctx, server.URL, "")
	require.ErrorIs(t, err, context.Canceled)
}
