package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

const token = "tok-dummy-123"

// safeBuffer is a log that several may write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(data)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// deployed is a function over a store in memory that others share.
type deployed struct {
	t       *testing.T
	data    *store.Memory
	down    error // why the store cannot be opened
	env     env
	gateway *gateway
	log     *safeBuffer
}

func newDeployed(t *testing.T) *deployed {
	t.Helper()
	l := &deployed{t: t, data: store.NewMemory(), log: &safeBuffer{}, env: env{
		"API_TOKEN": token, "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(), "PULSE_STORE": "shared:",
		"ALLOWED_ORIGINS": "https://a.example.com",
	}}
	t.Cleanup(func() { require.NoError(t, l.data.Close()) })
	instance := function.New(l.env.get, l.parts(pulse.RoleAPI))
	l.gateway = newGateway(instance)
	t.Cleanup(func() {
		l.down = nil
		p, err := instance.Pulse(context.WithoutCancel(t.Context()))
		if err == nil {
			require.NoError(t, p.Close())
		}
	})
	return l
}

func (l *deployed) parts(role pulse.Role) shells.Parts {
	return shells.Parts{
		Stores: map[string]shells.StoreKind{"shared": {Shared: true, Open: func(context.Context, string) (store.Store, error) {
			if l.down != nil {
				return nil, l.down
			}
			return l.data.Replica(), nil
		}}},
		Required: parts().Required, Role: role, Version: shells.Build("v5.0.0"), Log: l.log,
	}
}

// ask has the function answer a message.
func (l *deployed) ask(f front, m message) reply {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	out, err := l.gateway.Invoke(ctx, f.event(l.t, m))
	require.NoError(l.t, err)
	return f.read(l.t, out)
}

const nodeDraft = `{"type":"pve","name":"home","host":"https://127.0.0.1:1","user":"monitor@pve","password":"hunter2"}`

// asked are what clients ask of the API; each must get the same answer behind every front as over a connection.
var asked = []message{
	said("GET", "/api/health", ""),
	said("GET", "/api/version", "", "Accept-Encoding: gzip"),
	said("GET", "/api/ready", ""),
	said("GET", "/api/state", ""),
	said("GET", "/api/state", "", "X-API-Token: wrong"),
	said("GET", "/api/state", "", "X-API-Token: "+token),
	said("GET", "/api/state?token="+token, ""),
	said("GET", "/api/state", "", "Authorization: Bearer "+token, "Accept-Encoding: gzip"),
	said("GET", "/api/state", "", "X-API-Key: "+token, "Accept-Encoding: gzip, zstd"),
	said("HEAD", "/api/storage", "", "X-API-Token: "+token),
	said("GET", "/api/storage/none%20such", "", "X-API-Token: "+token),
	said("GET", "/api/config/nodes", "", "X-API-Token: "+token),
	said("GET", "/api/config/system", "", "X-API-Token: "+token, "Origin: https://a.example.com"),
	said("OPTIONS", "/api/config/nodes", "", "Origin: https://a.example.com", "Access-Control-Request-Method: POST"),
	said("OPTIONS", "/api/config/nodes", "", "Origin: https://b.example.com"),
	said("GET", "/api/openapi.json", "", "X-API-Token: "+token, "Accept-Encoding: gzip"),
	said("GET", "/api/none", "", "X-API-Token: "+token),
	said("GET", "/", ""),
	said("PATCH", "/api/config/system", "{}", "X-API-Token: "+token, "Content-Type: application/json"),
	said("PUT", "/api/config/system", `{"pollingInterval": "x"}`, "X-API-Token: "+token, "Content-Type: application/json"),
	said("PUT", "/api/config/system", `{"pollingInterval": 15}`, "X-API-Token: "+token, "Content-Type: application/json"),
	said("POST", "/api/config/nodes", nodeDraft, "X-API-Token: "+token, "Content-Type: application/json"),
	said("POST", "/api/config/nodes", "\xff\xfe", "X-API-Token: "+token, "Content-Type: application/json"),
	said("POST", "/api/config/nodes", nodeDraft, "X-API-Token: "+token, "Content-Type: text/xml"),
	said("POST", "/api/config/nodes", strings.Repeat(" ", 70<<10)+"{}", "X-API-Token: "+token, "Content-Type: application/json"),
	said("DELETE", "/api/config/nodes/pve-9", "", "X-API-Token: "+token),
}

func TestTheAPIAnswersTheSameBehindEachFrontAndOverAConnection(t *testing.T) {
	t.Parallel()
	direct := newDeployed(t)
	p, err := direct.gateway.instance.Pulse(t.Context())
	require.NoError(t, err)
	server := httptest.NewServer(p.API)
	t.Cleanup(server.Close)
	labs := map[string]*deployed{}
	for name := range fronts {
		labs[name] = newDeployed(t)
	}
	for _, m := range asked {
		want := viaHTTP(t, server.URL, m).comparable()
		for name, f := range fronts {
			got := labs[name].ask(f, m)
			require.NotEmpty(t, got.Header.Get("X-Request-Id"))
			require.Equal(t, want, got.comparable(), "%s %s %v behind %s", m.method, m.target, m.header, name)
		}
	}
	for name, l := range labs {
		require.NotContains(t, l.log.String(), "hunter2", name)
		require.NotContains(t, l.log.String(), token, name)
	}
}

func TestWebSocketsAreRefusedClearly(t *testing.T) {
	t.Parallel()
	l := newDeployed(t)
	handshake := []string{
		"X-API-Token: " + token, "Connection: Upgrade", "Upgrade: websocket", "Sec-Websocket-Version: 13",
		"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}
	for name, f := range fronts {
		require.Equal(t, http.StatusUnauthorized, l.ask(f, said("GET", "/ws", "")).Status, name)
		for _, headers := range [][]string{handshake, handshake[:1]} {
			got := l.ask(f, said("GET", "/ws", "", headers...))
			require.Equal(t, http.StatusNotImplemented, got.Status, name)
			require.Contains(t, got.Body, "/api/state")
			require.True(t, json.Valid([]byte(got.Body)))
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.Empty(t, got.Header.Get("Upgrade"))
		}
	}
}

func TestWhoGuessesIsToldApartByAddressAndNotByHeader(t *testing.T) {
	t.Parallel()
	for name, f := range fronts {
		l := newDeployed(t)
		for range 30 {
			// What a client writes into the header itself stands before what the platform adds.
			l.ask(f, said("GET", "/api/state?token="+rand.Text(), "", "X-Forwarded-For: "+rand.Text()+", 192.0.2.1"))
		}
		got := l.ask(f, said("GET", "/api/state", "", "X-API-Token: wrong", "X-Forwarded-For: 192.0.2.99"))
		require.Equal(t, http.StatusTooManyRequests, got.Status, name)
		require.Contains(t, l.log.String(), "client="+clientAddress)
	}
}

func TestABadRequestIsAnsweredAsOne(t *testing.T) {
	t.Parallel()
	g := &gateway{instance: function.New(env{}.get, shells.Parts{}), log: slog.New(slog.DiscardHandler)}
	for event, want := range map[string]string{
		`{"version":"2.0","rawPath":"/x","body":"%%","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`:    "The body is not valid base64",
		`{"httpMethod":"POST","path":"/x","body":"%%","isBase64Encoded":true,"requestContext":{"requestId":"1"}}`:            "The body is not valid base64",
		`{"httpMethod":"POST","path":"/x","body":"%%","isBase64Encoded":true,"requestContext":{"elb":{}}}`:                   "The body is not valid base64",
		`{"httpMethod":"GET","path":"/50%","requestContext":{"elb":{}},"multiValueHeaders":{}}`:                              "The path is not valid",
		`{"httpMethod":"GET","path":"/50%zz","requestContext":{"requestId":"1"}}`:                                            "The path is not valid",
		`{"version":"2.0","rawPath":"/50%","requestContext":{"http":{"method":"GET"},"domainName":"a.lambda-url.x.on.aws"}}`: "The path is not valid",
	} {
		out, err := g.Invoke(t.Context(), []byte(event))
		require.NoError(t, err, event)
		f, err := frontOf([]byte(event))
		require.NoError(t, err)
		got := f.read(t, out)
		require.Equal(t, http.StatusBadRequest, got.Status, event)
		require.JSONEq(t, `{"error":"`+want+`"}`, got.Body, event)
	}
}

func TestAStoreThatIsAwayAtTheStartIsTriedAgainWithEachRequest(t *testing.T) {
	t.Parallel()
	l := newDeployed(t)
	l.down = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused to hunter2")}
	for range 2 {
		got := l.ask(frontHTTP, said("GET", "/api/health", ""))
		require.Equal(t, http.StatusServiceUnavailable, got.Status)
		require.JSONEq(t, `{"error":"Pulse cannot reach its store now; try again"}`, got.Body)
		require.Equal(t, "5", got.Header.Get("Retry-After"))
	}
	l.down = nil
	require.Equal(t, http.StatusOK, l.ask(frontHTTP, said("GET", "/api/health", "")).Status)
}

func TestASettingThatTurnsOutToBeWrongIsTheFunctionsError(t *testing.T) {
	t.Parallel()
	l := newDeployed(t)
	l.env["PULSE_ENCRYPTION_KEY"] = config.NewKey().Encode()
	other := newDeployed(t)
	other.data = l.data
	require.Equal(t, http.StatusOK, l.ask(frontHTTP, said("GET", "/api/health", "")).Status)
	_, err := other.gateway.Invoke(t.Context(), frontHTTP.event(t, said("GET", "/api/health", "")))
	require.ErrorContains(t, err, "the encryption key (PULSE_ENCRYPTION_KEY) does not open what is stored in shared:")
}

func TestEachRequestSeesWhatOthersWrote(t *testing.T) {
	t.Parallel()
	l := newDeployed(t)
	ask := said("GET", "/api/config/nodes", "", "X-API-Token: "+token)
	require.JSONEq(t, "[]", l.ask(frontURL, ask).Body)
	other, err := shells.Open(t.Context(), l.env.get, l.parts(pulse.RoleAll))
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	w := httptest.NewRecorder()
	add := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/config/nodes", strings.NewReader(nodeDraft))
	add.Header.Set("X-API-Token", token)
	add.Header.Set("Content-Type", "application/json")
	other.API.ServeHTTP(w, add)
	require.Equal(t, http.StatusCreated, w.Code, w.Body.String())
	require.Contains(t, l.ask(frontURL, ask).Body, `"name":"home"`)
}

func TestRequestsAtOnceAreAllAnswered(t *testing.T) {
	t.Parallel()
	l := newDeployed(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			out, err := l.gateway.Invoke(t.Context(), frontHTTP.event(t, said("GET", "/api/state", "", "X-API-Token: "+token)))
			if err != nil || !bytes.Contains(out, []byte(`"statusCode":200`)) {
				t.Errorf("%s %v", out, err)
			}
		})
	}
	wg.Wait()
}

func TestARequestEndsBeforeItsInvocationDoes(t *testing.T) {
	t.Parallel()
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	ctx, cancel = inTime(ctx)
	defer cancel()
	end, ok := ctx.Deadline()
	require.True(t, ok)
	require.Equal(t, deadline.Add(-answerMargin), end)
}
