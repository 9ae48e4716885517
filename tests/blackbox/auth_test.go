package blackbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestWithATokenTheLogSaysThatItIsNeeded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})
	awaitLog(t, p, "the API needs the token")
	require.NotContains(t, p.Log(), "API is open")
}

func TestStreamTakesTheTokenFromItsURL(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})
	address := "ws" + strings.TrimPrefix(p.URL, "http") + "/ws"
	_, reply, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusUnauthorized, reply.StatusCode)
	require.NoError(t, reply.Body.Close())
	conn, reply, err := websocket.DefaultDialer.DialContext(t.Context(), address+"?token="+apiToken, nil)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	var first struct{ Type string }
	require.NoError(t, conn.ReadJSON(&first))
	require.Equal(t, "welcome", first.Type)
	require.NoError(t, conn.Close())
}

func TestWithoutTokenTheLogSaysThatTheAPIIsOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	awaitLog(t, p, "the API is open")
	awaitLog(t, p, "set API_TOKEN")
	for _, operation := range s.operations(p) {
		method, path, _ := strings.Cut(operation, " ")
		if method == http.MethodGet && !strings.Contains(path, "{") && path != "/ws" {
			require.Equal(t, http.StatusOK, s.ask(p, method, path, nil).Status, operation)
		}
	}
}

// awaitLog waits until the log holds text: Pulse can be asked a moment before it has said everything.
func awaitLog(t *testing.T, p *lab.Pulse, text string) {
	t.Helper()
	labtest.Await(t, "a line in the log", func(context.Context) error {
		if !strings.Contains(p.Log(), text) {
			return fmt.Errorf("%q is not in the log", text)
		}
		return nil
	})
}

// operations are all operations of the OpenAPI document, as "GET /api/state".
func (s *site) operations(p *lab.Pulse) []string {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	s.read(p, "/api/openapi.json", &document)
	var out []string
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			out = append(out, strings.ToUpper(method)+" "+path)
		}
	}
	return out
}

// send sends a request without the token, but with what prepare puts in.
func (s *site) send(p *lab.Pulse, method, path string, prepare func(*http.Request)) lab.Reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.URL+path, http.NoBody)
	require.NoError(s.t, err)
	prepare(request)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }() // it was read whole
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	reply := lab.Reply{Status: response.StatusCode, Header: response.Header, Body: body}
	s.judge(method, strings.TrimPrefix(request.URL.RequestURI(), p.URL), reply)
	return reply
}
