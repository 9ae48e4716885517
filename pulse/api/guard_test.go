package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
)

func TestOpenAPIAnswersOnlyToItsOwnNames(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *api.Options) { o.AllowedOrigins = []string{"https://pulse.example.org:8443"} })
	hosts := map[string]int{
		"192.168.1.5:7655":          200,
		"[fd00::5]:7655":            200,
		"::1":                       200,
		"localhost:7655":            200,
		"nas":                       200,
		"pulse.local":               200,
		"PULSE.LAN:7655":            200,
		"pulse.home.arpa":           200,
		"pulse.internal.":           200,
		"pulse.example.net:7655":    200, // the machine's own name
		"pulse.example.org":         200, // an allowed origin's host
		"evil.example.com":          403,
		"evil.example.com:7655":     403,
		"local":                     200,
		"":                          200, // HTTP/1.0
		".":                         403,
		".local":                    403,
		"pulse.local.evil.com":      403,
		"192.168.1.5.evil.com":      403,
		"pulse.example.net.evil.co": 403,
	}
	for host, status := range hosts {
		answer := l.do(http.MethodGet, "/api/state", nil, "Host: "+host)
		require.Equal(t, status, answer.StatusCode, host)
		if status == 403 {
			require.Contains(t, answer.failure(t, 403), "ALLOWED_ORIGINS")
		}
	}
	withToken := newLab(t, guarded)
	answer := withToken.do(http.MethodGet, "/api/state", nil, "Host: evil.example.com", "X-API-Token: "+token)
	require.Equal(t, 200, answer.StatusCode, "with a token the name does not matter")
}

func TestOpenAPIRefusesForeignPages(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *api.Options) { o.AllowedOrigins = []string{"https://good.example.com"} })
	const path = "/api/config/system"
	tests := []struct {
		name    string
		headers []string
		status  int
	}{
		{name: "no browser", status: 200},
		{name: "the page itself", headers: []string{"Origin: http://pulse.local:7655", "Sec-Fetch-Site: same-origin"}, status: 200},
		{name: "the page over plain HTTP", headers: []string{"Origin: http://pulse.local:7655"}, status: 200},
		{name: "another port", headers: []string{"Origin: http://pulse.local:8080"}, status: 403},
		{name: "a foreign page", headers: []string{"Origin: https://evil.example.com", "Sec-Fetch-Site: cross-site"}, status: 403},
		{name: "a sandboxed page", headers: []string{"Origin: null", "Sec-Fetch-Site: cross-site"}, status: 403},
		{name: "an allowed page", headers: []string{"Origin: https://good.example.com", "Sec-Fetch-Site: cross-site"}, status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := l.do(http.MethodPut, path, `{"connectionTimeout":11}`, tt.headers...)
			require.Equal(t, tt.status, answer.StatusCode, "%s", answer.body)
		})
	}
}

func TestCrossOriginHeadersNameTheOneOrigin(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	origins := []string{"https://a.example.com", "https://b.example.com"}
	_, err := l.monitor.UpdateSettings(t.Context(), pulse.SettingsPatch{AllowedOrigins: &origins})
	require.NoError(t, err)

	preflight := l.do(http.MethodOptions, "/api/state", nil, "Origin: https://b.example.com",
		"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-api-token")
	require.Equal(t, 200, preflight.StatusCode)
	require.Empty(t, preflight.body)
	require.Equal(t, "https://b.example.com", preflight.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, preflight.Header.Get("Access-Control-Allow-Headers"), "X-API-Token")
	require.Contains(t, preflight.Header.Values("Vary"), "Origin")

	foreign := l.do(http.MethodGet, "/api/state", nil, "Origin: https://c.example.com", "X-API-Token: "+token)
	require.Equal(t, 200, foreign.StatusCode)
	require.Empty(t, foreign.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, foreign.Header.Values("Vary"), "Origin")

	all := newLab(t, func(o *api.Options) { o.Token, o.AllowedOrigins = token, []string{"*"} })
	answer := all.do(http.MethodGet, "/api/state", nil, "Origin: https://c.example.com", "X-API-Token: "+token)
	require.Equal(t, "https://c.example.com", answer.Header.Get("Access-Control-Allow-Origin"))

	open := newLab(t, func(o *api.Options) { o.AllowedOrigins = []string{"*"} })
	answer = open.do(http.MethodGet, "/api/state", nil, "Origin: https://c.example.com")
	require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"), "* needs a token")
}

func TestOptionsAnswersEverywhereWithoutAToken(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	for _, path := range []string{"/api/state", "/api/nope", "/ws", "/", "/api/config/nodes/pve-0"} {
		answer := l.do(http.MethodOptions, path, nil)
		require.Equal(t, 200, answer.StatusCode, path)
		require.Empty(t, answer.body)
	}
}
