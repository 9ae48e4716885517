package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
)

func TestEveryErrorHasTheOneShape(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	const nodes = "/api/config/nodes"
	huge := `{"type":"pve","host":"` + strings.Repeat("x", 70<<10) + `"}`
	tests := []struct {
		name, method, path, body, header string
		status                           int
		says                             string
	}{
		{name: "unknown path", method: "GET", path: "/api/nope", status: 404, says: "Not found"},
		{name: "the prefix alone", method: "GET", path: "/api", status: 404},
		{name: "below the stream", method: "GET", path: "/ws/more", status: 404},
		{name: "no page", method: "GET", path: "/", status: 404},
		{name: "wrong method", method: "DELETE", path: "/api/state", status: 405},
		{name: "broken JSON", method: "POST", path: nodes, body: `{"type":`, status: 400, says: "want a JSON object"},
		{name: "no JSON object", method: "POST", path: nodes, body: `"secret"`, status: 400},
		{name: "a list", method: "POST", path: nodes, body: `[1]`, status: 400},
		{name: "null", method: "POST", path: nodes, body: `null`, status: 400},
		{name: "more behind it", method: "POST", path: nodes, body: `{} {}`, status: 400},
		{name: "no body", method: "POST", path: nodes, status: 400, says: "body is required"},
		{name: "form", method: "POST", path: nodes, body: "type=pve", header: "Content-Type: application/x-www-form-urlencoded", status: 415, says: "application/json"},
		{name: "text", method: "PUT", path: "/api/config/system", body: "connectionTimeout", header: "Content-Type: text/plain", status: 415},
		{name: "XML", method: "PUT", path: "/api/config/system", body: "{}", header: "Content-Type: application/xml", status: 415},
		{name: "too large", method: "POST", path: nodes, body: huge, status: 413},
		{name: "missing field", method: "POST", path: nodes, body: `{"type":"pve"}`, status: 400, says: "host: is required"},
		{name: "unknown type", method: "POST", path: nodes, body: `{"type":"x","host":"h"}`, status: 400, says: "type: want"},
		{name: "no credential", method: "POST", path: nodes, body: `{"type":"pve","host":"h","user":"root@pam"}`, status: 400, says: "password: is required"},
		{name: "not an id", method: "DELETE", path: nodes + "/foo", status: 400, says: "id: want"},
		{name: "unknown id", method: "DELETE", path: nodes + "/pve-9", status: 404, says: "Node not found"},
		{name: "no such storage", method: "GET", path: "/api/storage/nope", status: 404},
		{name: "stream without a handshake", method: "GET", path: "/ws", status: 426, says: "WebSocket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var body any
			if tt.body != "" {
				body = tt.body
			}
			headers := []string{}
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			answer := l.do(tt.method, tt.path, body, headers...)
			require.Contains(t, answer.failure(t, tt.status), tt.says)
			require.NotEmpty(t, answer.Header.Get("X-Request-Id"))
			if tt.status == 405 {
				require.Equal(t, "GET, HEAD, OPTIONS", answer.Header.Get("Allow"))
			}
			for _, leak := range []string{"secret", "json:", "api.", "goroutine", ".go:"} {
				require.NotContains(t, string(answer.body), leak)
			}
		})
	}
	require.Empty(t, l.monitor.Snapshot().Targets)
}

func TestJSONWithoutItsTypeIsTakenFromWhatIsNoBrowser(t *testing.T) {
	t.Parallel()
	const system = "/api/config/system"
	browsers := []string{
		"Origin: http://pulse.local:7655", "Origin: null", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none",
		"Referer: http://pulse.local:7655/",
	}
	for _, guard := range []func(*api.Options){nil, guarded} {
		l := newLab(t, guard)
		put := func(headers ...string) int {
			headers = append(headers, "X-API-Token: "+token)
			return l.do(http.MethodPut, system, `{"connectionTimeout":12}`, headers...).StatusCode
		}
		for _, kind := range []string{"", "application/x-www-form-urlencoded", "text/plain", "text/plain;charset=UTF-8"} {
			require.Equal(t, 200, put("Content-Type: "+kind), kind)
			for _, browser := range browsers {
				require.Contains(t, []int{415, 403}, put("Content-Type: "+kind, browser), "%s %s", kind, browser)
			}
		}
		for _, kind := range []string{"multipart/form-data; boundary=x", "application/json;bad", "image/png"} {
			require.Equal(t, 415, put("Content-Type: "+kind), kind)
		}
		for _, kind := range []string{"APPLICATION/JSON", "application/json; charset=utf-8", "application/problem+json"} {
			require.Equal(t, 200, put("Content-Type: "+kind, "Sec-Fetch-Site: same-origin"), kind)
		}
		require.Contains(t, l.do(http.MethodPut, system, nil, "X-API-Token: "+token,
			"Content-Type: application/x-www-form-urlencoded").failure(t, 400), "body is required")
	}
}

func TestWrongFieldsAreNamedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	answer := l.do(http.MethodPost, "/api/config/nodes", `{"type":"pve","host":"h","password":["hunter2"],"monitorVMs":"hunter3"}`)
	said := answer.failure(t, 400)
	require.Contains(t, said, "password: want string")
	require.Contains(t, said, "monitorVMs: want boolean")
	require.NotContains(t, string(answer.body), "hunter")
	var e api.Error
	require.NoError(t, json.Unmarshal(answer.body, &e))
	require.Len(t, e.Details, 2)
}

func TestRequestIDsAreKeptWhenTheyAreSane(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.Equal(t, "abc-1.2_3", l.do("GET", "/api/health", nil, "X-Request-Id: abc-1.2_3").Header.Get("X-Request-Id"))
	for _, bad := range []string{"a b", "ü", strings.Repeat("a", 65), "a\"b"} {
		got := l.do("GET", "/api/health", nil, "X-Request-Id: "+bad).Header.Get("X-Request-Id")
		require.Regexp(t, "^[0-9a-f]{16}$", got)
	}
}

func TestPathsNeverRedirect(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	for _, path := range []string{
		"/api/storage", "/api/storage/", "/api//storage", "//api/storage//", "/api/x/../storage", "/x/../api/./storage",
		"/api/state/", "/api/health//",
	} {
		require.Equal(t, 200, l.do("GET", path, nil).StatusCode, path)
	}
	require.Equal(t, 404, l.do("GET", "/api/storage/a%2Fb", nil).StatusCode)
	require.Equal(t, 404, l.do("GET", "/api/%2e%2e/config", nil).StatusCode)
}

func TestHeadAnswersLikeGet(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	server := httptest.NewServer(l.api)
	defer server.Close()
	for _, path := range []string{"/api/version", "/api/state", "/api/openapi.json"} {
		get := request(t, server, http.MethodGet, path)
		head := request(t, server, http.MethodHead, path)
		require.Equal(t, 200, head.StatusCode)
		require.Empty(t, head.body)
		require.Equal(t, get.Header.Get("ETag"), head.Header.Get("ETag"))
		require.Equal(t, get.ContentLength, head.ContentLength, path)
		require.Equal(t, int64(len(get.body)), get.ContentLength)
	}
}

func request(t *testing.T, server *httptest.Server, method, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	require.NoError(t, err)
	r.Header.Set("Accept-Encoding", "identity")
	answer, err := server.Client().Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return reply{Response: answer, body: body}
}

func TestAPanicBecomesAnErrorThatOnlyTheLogExplains(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *api.Options) {
		o.Page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "half of it")
			panic(errors.New("secret inside"))
		})
	})
	answer := l.do("GET", "/page", nil)
	said := answer.failure(t, 500)
	id := answer.Header.Get("X-Request-Id")
	require.Contains(t, said, id)
	shown := api.Document("test").Components.Responses["InternalServerError"].Content["application/json"].Example
	require.Equal(t, strings.ReplaceAll(said, id, "6f1d0b2c9e3a4f58"), shown.(map[string]any)["error"])
	require.NotContains(t, string(answer.body), "secret")
	require.Contains(t, l.log.String(), "secret inside")
	require.Contains(t, l.log.String(), answer.Header.Get("X-Request-Id"))
}

func TestAStoreThatIsAwayIsSaidToBe(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.NoError(t, l.store.Close())
	answer := l.do(http.MethodPut, "/api/config/system", `{"connectionTimeout":12}`)
	require.Contains(t, answer.failure(t, 503), "nothing was changed")
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.NotContains(t, string(answer.body), "closed")
	require.Contains(t, l.log.String(), "closed")
	require.Equal(t, 200, l.do("GET", "/api/health", nil).StatusCode)
	ready := l.do("GET", "/api/ready", nil)
	require.Equal(t, 503, ready.StatusCode)
	require.Contains(t, string(ready.body), "store")
}

func TestPageGetsWhatIsNoOperation(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *api.Options) {
		o.Token = token
		o.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	})
	for _, path := range []string{"/", "/nodes/1", "/apis", "/wsx"} {
		answer := l.do("GET", path, nil)
		require.Equal(t, 200, answer.StatusCode)
		require.Equal(t, path, string(answer.body))
		require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	}
	l.do("POST", "/", "{}").failure(t, 405)
	l.do("GET", "/api/nope", nil).failure(t, 404)
}
