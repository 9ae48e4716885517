package shells

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestRolesNeedAStoreThatProcessesShare(t *testing.T) {
	t.Parallel()
	const alone = "PULSE_ROLE (--role): want all, since no other process shares this store; processes share what PULSE_STORE names as server:"
	for _, tt := range []struct {
		own, asked string
		kind       StoreKind
		want       pulse.Role
		err        string
	}{
		{"", "", StoreKind{}, pulse.RoleAll, ""},
		{"", "all", StoreKind{}, pulse.RoleAll, ""},
		{"", "api", StoreKind{}, "", alone},
		{"", "poller", StoreKind{Forgets: true}, "", alone},
		{"", "", StoreKind{Shared: true}, pulse.RoleAll, ""},
		{"", "api", StoreKind{Shared: true}, pulse.RoleAPI, ""},
		{"", "poller", StoreKind{Shared: true}, pulse.RolePoller, ""},
		{"api", "", StoreKind{Shared: true}, pulse.RoleAPI, ""},
		{"api", "api", StoreKind{Shared: true}, pulse.RoleAPI, ""},
		{"poller", "all", StoreKind{Shared: true}, "", "PULSE_ROLE (--role): want poller or nothing, since this program has no other role"},
	} {
		parts := onServer(nil)
		parts.Role = pulse.Role(tt.own)
		role, err := parts.role(pulse.Role(tt.asked), tt.kind)
		if tt.err != "" {
			require.EqualError(t, err, tt.err, "%+v", tt)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tt.want, role, "%+v", tt)
	}
}

func TestAnUnknownRoleIsRefused(t *testing.T) {
	t.Parallel()
	_, err := ReadConfig(env{"PULSE_ROLE": "leader"}.get)
	require.EqualError(t, err, "PULSE_ROLE (--role): want all, api or poller")
}

// sharing opens Pulse in a role over data that others use too.
func sharing(t *testing.T, role string) *Pulse {
	t.Helper()
	data := store.NewMemory()
	t.Cleanup(func() { require.NoError(t, data.Close()) })
	return openWith(t, env{
		"PULSE_STORE": "server:", "PULSE_ROLE": role, "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(), "API_TOKEN": "correct",
	}, onServer(data))
}

func TestAPollerAnswersOnlyHowItIs(t *testing.T) {
	t.Parallel()
	p := sharing(t, "poller")
	require.Equal(t, pulse.RolePoller, p.Role)
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader("{}")))
		return w
	}
	for _, path := range []string{"/api/health", "/api/version", "/api//version", "/api/ready"} {
		require.NotEqual(t, http.StatusNotImplemented, ask(http.MethodGet, path).Code, path)
	}
	require.Equal(t, http.StatusOK, ask(http.MethodGet, "/api/health").Code)
	for _, r := range [][2]string{{"GET", "/api/state"}, {"POST", "/api/config/nodes"}, {"GET", "/ws"}, {"GET", "/"}, {"OPTIONS", "/api/state"}} {
		w := ask(r[0], r[1])
		require.Equal(t, http.StatusNotImplemented, w.Code, r)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.JSONEq(t, `{"error":"This Pulse only polls, as PULSE_ROLE says: ask one that serves the API"}`, w.Body.String())
	}
}

func TestOtherRolesServeTheAPI(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"", "all", "api"} {
		p := sharing(t, role)
		require.Equal(t, http.StatusOK, status(t, p, "/api/state", "correct"), role)
		require.Equal(t, http.Handler(p.API), p.Handler())
	}
}
