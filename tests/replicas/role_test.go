package replicas

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

func TestRolesNarrowWhatAReplicaDoes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "-clusters", "4", "-nodes", "1", "-guests", "8", "-tick", "1s")
	served := f.start(0, map[string]string{"PULSE_ROLE": "api"})
	f.every(served, 2)
	f.addEstate(served)
	require.Len(t, f.nodes(served), 4)
	poller := f.start(1, map[string]string{"PULSE_ROLE": "poller"})
	f.ready(served, poller)

	f.awaitTruth(served)
	g := f.running(f.clusterNames()[0])
	stream := f.stream(served)
	f.act("stop-silently", f.clusterNames()[0], g.VMID)
	f.follow(stream, "the stopped guest", func(st state) bool {
		return shows(st, f.clusterNames()[0], g.VMID, "stopped") == nil
	})
	f.awaitPolls(5)
	require.Equal(t, map[string]float64{agentOf(1): 1}, shares(f.pollsOfAll()), "the one with the API reads nothing")
	f.servesOnlyItself(poller)
}

// servesOnlyItself holds a poller to tell how it is, and nothing else.
func (f *fleet) servesOnlyItself(poller *lab.Pulse) {
	f.t.Helper()
	for _, path := range []string{"/api/health", "/api/ready", "/api/version"} {
		require.Equal(f.t, http.StatusOK, f.status(poller, path), path)
	}
	for _, r := range []struct{ method, path string }{
		{http.MethodGet, "/api/state"},
		{http.MethodGet, "/api/storage"},
		{http.MethodGet, "/api/config/nodes"},
		{http.MethodPost, "/api/config/nodes"},
		{http.MethodDelete, "/api/config/nodes/pve-0"},
		{http.MethodPut, "/api/config/system"},
		{http.MethodGet, "/api/diagnostics"},
		{http.MethodGet, "/ws"},
	} {
		reply := f.ask(poller, r.method, r.path, nil, nil)
		require.Equal(f.t, http.StatusNotImplemented, reply.Status, "%s %s", r.method, r.path)
		require.Contains(f.t, failureOf(f.t, reply), "PULSE_ROLE", "%s %s", r.method, r.path)
	}
}
