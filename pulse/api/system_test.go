package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
)

const systemPath = "/api/config/system"

func TestSettingsAreMergedAndInForceAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	const auth = "X-API-Token: " + token
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		answer := l.do(method, systemPath, `{"pollingInterval":3,"backendPort":3000,"autoUpdateEnabled":true,"updateChannel":"rc"}`, auth)
		require.JSONEq(t, `{"status":"success","message":"Polling interval updated to 3 seconds","pollingInterval":3}`, string(answer.body))
		require.Equal(t, 3*time.Second, l.monitor.Settings().PollingInterval)
		answer = l.do(method, systemPath, `{"connectionTimeout":12,"pollingInterval":null}`, auth)
		require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
		require.Equal(t, 3*time.Second, l.monitor.Settings().PollingInterval)
	}
	answer := l.do(http.MethodPut, systemPath, `{"allowedOrigins":" https://a.example.com/, https://b.example.com"}`, auth)
	require.Equal(t, 200, answer.StatusCode, "%s", answer.body)
	var settings api.SystemSettings
	l.get(systemPath, &settings)
	require.Equal(t, api.SystemSettings{
		PollingInterval: 3, BackendPort: 3000, FrontendPort: 7655, ConnectionTimeout: 12,
		AllowedOrigins: "https://a.example.com,https://b.example.com",
	}, settings)
	granted := l.do(http.MethodGet, "/api/health", nil, "Origin: https://b.example.com")
	require.Equal(t, "https://b.example.com", granted.Header.Get("Access-Control-Allow-Origin"))
}

func TestSettingsOutOfBoundsChangeNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	before := l.monitor.Settings()
	for body, field := range map[string]string{
		`{"pollingInterval":0}`:                                "pollingInterval",
		`{"pollingInterval":-5}`:                               "pollingInterval",
		`{"pollingInterval":1}`:                                "pollingInterval",
		`{"pollingInterval":3601}`:                             "pollingInterval",
		`{"pollingInterval":99999999999999999999}`:             "pollingInterval",
		`{"pollingInterval":2.5}`:                              "pollingInterval",
		`{"pollingInterval":"5"}`:                              "pollingInterval",
		`{"connectionTimeout":0}`:                              "connectionTimeout",
		`{"connectionTimeout":121,"pollingInterval":5}`:        "connectionTimeout",
		`{"pollingInterval":10,"POLLINGINTERVAL":18446744084}`: "pollingInterval",
		`{"connectionTimeout":5,"ConnectionTimeout":-1}`:       "connectionTimeout",
		`{"allowedOrigins":"example.com"}`:                     "allowedOrigins",
		`{"allowedOrigins":"*"}`:                               "allowedOrigins",
		`{"allowedOrigins":["https://example.com"]}`:           "allowedOrigins",
		`{"allowedOrigins":"ftp://a.com","pollingInterval":9}`: "allowedOrigins",
	} {
		require.Contains(t, l.do(http.MethodPut, systemPath, body).failure(t, 400), field, body)
		require.Equal(t, before, l.monitor.Settings(), body)
	}
}

func TestOriginsOfTheEnvironmentAreShownAndStayThere(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *api.Options) { o.AllowedOrigins = []string{"https://env.example.com"} })
	var settings api.SystemSettings
	l.get(systemPath, &settings)
	require.Equal(t, "https://env.example.com", settings.AllowedOrigins)
	answer := l.do(http.MethodPut, systemPath, map[string]any{"allowedOrigins": settings.AllowedOrigins + ",https://b.example.com"})
	require.Equal(t, 200, answer.StatusCode)
	require.Equal(t, []string{"https://b.example.com"}, l.monitor.Settings().AllowedOrigins)
}
