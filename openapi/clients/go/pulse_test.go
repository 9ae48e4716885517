package pulseclient_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	pulseclient "github.com/proxpulse/proxpulse/openapi/clients/go"
)

// answering returns a client of a server that answers as the handler does.
func answering(t *testing.T, handler http.HandlerFunc, options ...pulseclient.ClientOption) *pulseclient.Pulse {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p, err := pulseclient.New(server.URL+"/monitor/", "secret", options...)
	require.NoError(t, err)
	return p
}

// saying answers with a status and a body.
func saying(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "7f3a")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRefusalsAreErrorsThatTellWhy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    pulseclient.Error
	}{
		"an error": {
			saying(404, `{"error":"Node not found"}`),
			pulseclient.Error{Status: 404, Message: "Node not found", RequestID: "7f3a"},
		},
		"places": {
			saying(400, `{"error":"host: is required","details":[{"location":"body.host","message":"is required"}]}`),
			pulseclient.Error{
				Status: 400, Message: "host: is required", RequestID: "7f3a",
				Details: []pulseclient.ErrorDetail{{Location: "body.host", Message: "is required"}},
			},
		},
		"a try": {
			saying(400, `{"error":"no","status":"error","failure":{"stage":"dns"}}`),
			pulseclient.Error{
				Status: 400, Message: "no", RequestID: "7f3a",
				Failure: &pulseclient.FailedStage{Stage: pulseclient.FailedStageStageDNS},
			},
		},
		"patience": {
			saying(429, `{"error":"too many"}`, "Retry-After", "12"),
			pulseclient.Error{Status: 429, Message: "too many", RetryAfter: 12 * time.Second, RequestID: "7f3a"},
		},
		"readiness": {
			saying(503, `{"ready":false,"reasons":["a","b"]}`),
			pulseclient.Error{Status: 503, Message: "a; b", RequestID: "7f3a"},
		},
		"a proxy's page": {
			saying(502, "<html>", "Retry-After", "soon"),
			pulseclient.Error{Status: 502, Message: "Bad Gateway", RequestID: "7f3a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := answering(t, tt.handler)
			answer, err := p.GetStateWithResponse(t.Context(), nil)
			require.Nil(t, answer)
			var refused *pulseclient.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.want, *refused)
			require.ErrorContains(t, err, tt.want.Message)
			_, err = p.Stream(t.Context())
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.want, *refused)
		})
	}
}

func TestRequestsGoWhereAndAsTheyShould(t *testing.T) {
	t.Parallel()
	p := answering(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/monitor/api/version", r.URL.Path)
		assert.Equal(t, "secret", r.Header.Get("X-API-Token"))
		assert.Equal(t, "mine", r.Header.Get("X-Mine"))
		saying(200, `{"version":"v5.0.0"}`)(w, r)
	}, pulseclient.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("X-Mine", "mine")
		return nil
	}))
	version, err := p.GetVersionWithResponse(t.Context())
	require.NoError(t, err)
	require.Equal(t, "v5.0.0", version.JSON200.Version)
	for _, address := range []string{"", "pulse.local", "ftp://pulse.local", "http://", "http://a b"} {
		_, err := pulseclient.New(address, "")
		require.ErrorContains(t, err, "address of pulse", address)
	}
}

func TestAnUnreachablePulseIsNoRefusal(t *testing.T) {
	t.Parallel()
	p, err := pulseclient.New("http://127.0.0.1:1", "")
	require.NoError(t, err)
	var refused *pulseclient.Error
	_, err = p.GetHealthWithResponse(t.Context())
	require.Error(t, err)
	require.NotErrorAs(t, err, &refused)
	_, err = p.Stream(t.Context())
	require.ErrorContains(t, err, "open a stream")
	require.NotErrorAs(t, err, &refused)
}

// streaming answers with a stream that says each message, repeats what it is told, and then says no more.
func streaming(t *testing.T, messages ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/ws", r.URL.Path)
		assert.Equal(t, "secret", r.Header.Get("X-API-Token"))
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		for _, m := range messages {
			assert.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte(m)))
		}
		_, asked, err := conn.ReadMessage()
		assert.NoError(t, err)
		assert.NoError(t, conn.WriteMessage(websocket.TextMessage, asked))
		_, _, _ = conn.ReadMessage() // until the client closes
		_ = conn.Close()
	})
}

func TestStreamsOverTLSAreRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(streaming(t, `{"type":"welcome","data":{"message":"hello"}}`))
	t.Cleanup(server.Close)
	p, err := pulseclient.New(server.URL, "secret", pulseclient.WithHTTPClient(&http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs},
	}}))
	require.NoError(t, err)
	stream, err := p.Stream(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, stream.Close()) }()
	m, err := stream.Next(t.Context())
	require.NoError(t, err)
	value, err := m.ValueByDiscriminator()
	require.NoError(t, err)
	require.Equal(t, "hello", value.(pulseclient.StreamWelcome).Data.Message)
	require.NoError(t, stream.Send(pulseclient.StreamRequest{Type: "ping"}))
	m, err = stream.Next(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"ping"}`, string(text))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = stream.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClosedStreamsSayNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(streaming(t))
	t.Cleanup(server.Close)
	p, err := pulseclient.New(server.URL, "secret")
	require.NoError(t, err)
	stream, err := p.Stream(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(pulseclient.StreamRequest{Type: "ping"}))
	require.NoError(t, stream.Close())
	_, err = stream.Next(t.Context())
	require.ErrorContains(t, err, "read a stream")
	require.ErrorContains(t, stream.Send(pulseclient.StreamRequest{Type: "ping"}), "send on a stream")
}
