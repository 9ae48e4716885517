package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestChangeIsSeenThroughAnotherReplica(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, guarded, func(l *lab) {
		other := &lab{t: l.t, estate: l.estate, store: l.store.Replica(), keys: l.keys}
		defer func() { require.NoError(l.t, other.store.Close()) }()
		other.open(pulse.Options{Shared: true, Role: pulse.RoleAPI}, func(o *api.Options) { o.Token = token })
		const auth = "X-API-Token: " + token

		added := l.do(http.MethodPost, "/api/config/nodes", l.draft(0, sim.Auditor), auth)
		require.Equal(l.t, http.StatusCreated, added.StatusCode, "%s", added.body)
		revision := added.Header.Get("Pulse-Revision")
		require.NotEmpty(l.t, revision)
		require.Equal(l.t, "[]\n", string(other.do(http.MethodGet, "/api/config/nodes", nil, auth).body), "it was not told")
		seen := other.do(http.MethodGet, "/api/config/nodes", nil, auth, "Pulse-Revision: "+revision)
		require.Equal(l.t, http.StatusOK, seen.StatusCode)
		require.Contains(l.t, string(seen.body), l.estate.Clusters()[0].Name)
		require.Empty(l.t, seen.Header.Get("Pulse-Revision"), "only changes have it")

		refused := l.do(http.MethodPost, "/api/config/nodes", l.draft(0, sim.Auditor), auth)
		require.Equal(l.t, http.StatusConflict, refused.StatusCode)
		require.Empty(l.t, refused.Header.Get("Pulse-Revision"), "nothing changed")
		for _, change := range []struct{ method, path, body string }{
			{http.MethodPut, "/api/config/nodes/pve-0", `{"name":"other"}`},
			{http.MethodPost, "/api/config/system", `{"pollingInterval":20}`},
			{http.MethodPut, "/api/config/system", `{"pollingInterval":30}`},
			{http.MethodDelete, "/api/config/nodes/pve-0", ""},
		} {
			answer := l.do(change.method, change.path, change.body, auth)
			require.Equal(l.t, http.StatusOK, answer.StatusCode, "%s", answer.body)
			require.NotEqual(l.t, revision, answer.Header.Get("Pulse-Revision"), change.path)
			revision = answer.Header.Get("Pulse-Revision")
			require.NotEmpty(l.t, revision, change.path)
		}
	})
}

func TestRevisionThatCannotBeReached(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{}, guarded, func(l *lab) {
		const auth = "X-API-Token: " + token
		answer := l.do(http.MethodGet, "/api/state", nil, auth, "Pulse-Revision: soon")
		require.Contains(l.t, answer.failure(l.t, http.StatusBadRequest), "Pulse-Revision")
		answer = l.do(http.MethodGet, "/api/state", nil, auth, "Pulse-Revision: 0123456789abcdef.7")
		require.Contains(l.t, answer.failure(l.t, http.StatusServiceUnavailable), "Pulse-Revision")
		require.NotEmpty(l.t, answer.Header.Get("Retry-After"))
		answer = l.do(http.MethodGet, "/api/state", nil, "Pulse-Revision: soon")
		answer.failure(l.t, http.StatusUnauthorized)
		require.Equal(l.t, http.StatusOK, l.do(http.MethodGet, "/api/health", nil, "Pulse-Revision: soon").StatusCode)
	})
}
