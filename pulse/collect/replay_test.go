package collect

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// replay answers requests with recorded replies, keyed by the path below the API root.
type replay map[string][]byte

func (r replay) RoundTrip(req *http.Request) (*http.Response, error) {
	body, ok := r[strings.TrimPrefix(req.URL.Path, "/api2/json")]
	status := http.StatusOK
	if !ok {
		status, body = http.StatusNotImplemented, nil
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Content-Type": {"application/json"}, "Server": {"pve-api-daemon/3.0"}},
		Body:    io.NopCloser(bytes.NewReader(body)),
		Request: req, ContentLength: int64(len(body)),
	}, nil
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return body
}

func replayClient(t testing.TB, r replay) *proxmox.Client {
	t.Helper()
	client, err := proxmox.New(proxmox.Options{
		Kind: proxmox.PVE, Address: "https://pve.test:8006",
		Credential:   proxmox.Credential{TokenID: "monitor@pve!pulse", TokenSecret: "secret"},
		RoundTripper: func(string) http.RoundTripper { return r },
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// recordedResources decodes a recorded table with the real client.
func recordedResources(t testing.TB, name string) proxmox.Resources {
	t.Helper()
	resources, _, err := replayClient(t, replay{"/cluster/resources": recorded(t, name)}).Resources(t.Context())
	require.NoError(t, err)
	return resources
}

func all() config.Collect { return config.CollectAll(estate.PVE) }

// observe merges a table over an observation the way a pass does.
func observe(t testing.TB, prev *estate.Observation, rows proxmox.Resources, at time.Time) *estate.Observation {
	t.Helper()
	if prev == nil {
		prev = &estate.Observation{Version: estate.ObservationVersion}
	}
	out := merge{prev: prev, rows: &rows, at: at, collect: all()}.run()
	next := *prev
	next.Nodes, next.Guests, next.Storages, next.Reads = out.nodes, out.guests, out.storages, out.notes.times
	requireSound(t, &next)
	return &next
}

func start() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
