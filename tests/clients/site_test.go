package clients

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// apiToken guards the API; a client without it is refused.
const apiToken = "xyzzy-7f3a91c05be2-plugh"

// limit is how long a loaded machine may take for anything that is waited for.
const limit = 2 * time.Minute

// openToAll need no token.
var openToAll = []string{"get-health", "get-ready", "get-version", "get-security-status"}

// site is a Pulse with a token, beside an estate that it does not watch yet.
type site struct {
	t     *testing.T
	url   string // of the proxy before Pulse
	draft map[string]string

	mu   sync.Mutex
	seen map[string]int // requests by operation
}

func newSite(t *testing.T) *site {
	t.Helper()
	simulator := labtest.Simulator(t, programs, "-clusters", "1", "-nodes", "2", "-guests", "3", "-tick", "1s")
	p := labtest.Pulse(t, programs, lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	require.NoError(t, p.AwaitReady(ctx))
	cluster := simulator.Estate.Clusters[0]
	credential := cluster.Credentials[sim.Auditor]
	s := &site{t: t, seen: map[string]int{}, draft: map[string]string{
		"type": "pve", "name": "home", "host": cluster.URL(),
		"tokenName": credential.TokenID, "tokenValue": credential.TokenSecret,
	}}
	s.url = s.watch(p.URL)
	return s
}

// watch starts the proxy.
func (s *site) watch(target string) string {
	s.t.Helper()
	to, err := url.Parse(target)
	require.NoError(s.t, err)
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Accept-Encoding", "identity") // answers are read on their way
		},
		ModifyResponse: s.judge,
	}
	server := httptest.NewServer(proxy)
	s.t.Cleanup(server.Close)
	return server.URL
}

// judge counts a request and holds its answer to the document.
func (s *site) judge(response *http.Response) error {
	r := response.Request
	if op, ok := promise.Operation(r.Method, r.URL.RequestURI()); ok {
		s.mu.Lock()
		s.seen[op.ID]++
		s.mu.Unlock()
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	err = promise.Answer(r.Method, r.URL.RequestURI(), response.StatusCode, response.Header, body)
	assert.NoErrorf(s.t, err, "%s", body)
	return nil
}

// askedForAll holds what was asked for to the document: each operation once without the token, and at least once with it.
func (s *site) askedForAll() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range promise.Operations() {
		require.GreaterOrEqual(s.t, s.seen[op.ID], 2, op.ID)
	}
}

// outcome is what came of a call.
type outcome struct {
	Operation string
	Status    int    // of the typed error; 0 after a success
	Message   string // of any error
	Details   []struct{ Location, Message string }
}

// judgeOutcomes holds the outcomes of calls without the token, and then with it, to what they must be.
func judgeOutcomes(t *testing.T, without, with []outcome) {
	t.Helper()
	for _, o := range without {
		if slices.Contains(openToAll, o.Operation) {
			require.Equal(t, outcome{Operation: o.Operation}, o, "without the token")
			continue
		}
		require.Equal(t, outcome{Operation: o.Operation, Status: 401, Message: "Invalid or missing API token"}, o)
	}
	for _, o := range with {
		require.Equal(t, outcome{Operation: o.Operation}, o, "with the token")
	}
	require.Len(t, without, len(promise.Operations()))
	require.Len(t, with, len(promise.Operations()))
}

// judgeRefusals holds the outcomes of asking for a node that is not there, and of adding one without a host.
func judgeRefusals(t *testing.T, missing, invalid outcome) {
	t.Helper()
	require.Equal(t, 404, missing.Status)
	require.Equal(t, "Node not found", missing.Message)
	require.Empty(t, missing.Details)
	require.Equal(t, 400, invalid.Status)
	require.Contains(t, invalid.Message, "host")
	require.Len(t, invalid.Details, 1)
	require.Equal(t, "body.host", invalid.Details[0].Location)
}
