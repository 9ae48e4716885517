package blackbox

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

func TestEverythingThatProxmoxHasIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-demo", "-tick", "1s")
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	require.Empty(t, s.state(p).holdings())
	require.Empty(t, s.nodes(p))
	s.every(p, 2)

	home, attic, vault := s.cluster("home"), s.cluster("attic"), s.sim.Estate.BackupServers[0]
	require.Equal(t, "pve-0", s.add(p, withToken("pve", "home", home.URL(), home.Credentials[sim.BackupReader])))
	require.Equal(t, "pve-1", s.add(p, withPassword("pve", "attic", attic.URL(), attic.Credentials[sim.Auditor])))
	require.Equal(t, "pbs-0", s.add(p, withToken("pbs", "vault", vault.URL, vault.Credentials[sim.Auditor])))

	want := s.truth()
	shown := s.await(p, "everything", func(st state) error { return difference(want, st.holdings()) })
	require.Equal(t, map[string]bool{"home": true, "attic": true, "pbs-vault": true}, shown.ConnectionHealth)
	for _, n := range s.nodes(p) {
		require.Equal(t, "connected", n.Status, n.Name)
		require.Empty(t, n.Error, n.Name)
	}
	s.storagesAnswer(p, shown)
	s.streamGreets(p, want)
}

// truth is what the simulated estate has, as the control API and Proxmox's own storage lists tell, in the lines of
// [state.holdings].
func (s *site) truth() []string {
	s.t.Helper()
	var out []string
	for _, c := range s.sim.Estate.Clusters {
		for _, n := range c.Nodes {
			out = append(out, fmt.Sprintf("node %s of %s: online", n.Name, c.Name))
		}
		guests, err := s.sim.Guests(s.t.Context(), c.Name)
		require.NoError(s.t, err)
		require.NotEmpty(s.t, guests)
		for _, g := range guests {
			out = append(out, guestLine(c.Name, g.Node, g.Type, g.VMID, g.Name, g.Status, g.Template))
		}
		out = append(out, s.storageLines(c)...)
	}
	for _, b := range s.sim.Estate.BackupServers {
		require.NotEmpty(s.t, b.Datastores)
		for _, d := range b.Datastores {
			out = append(out, fmt.Sprintf("datastore %s of %s: online", d, b.Name))
		}
	}
	slices.Sort(out)
	return out
}

// storageLines are the storages of a cluster: a shared one once, any other once for each node that has it, also when it
// is disabled.
func (s *site) storageLines(c sim.ClusterInfo) []string {
	s.t.Helper()
	var rows []struct {
		Storage, Node string
		Shared        int
	}
	s.proxmox(c, "/cluster/resources?type=storage", &rows)
	var out []string
	for _, r := range rows {
		if r.Shared == 1 {
			r.Node = "shared"
		}
		out = append(out, fmt.Sprintf("storage %s of %s on %s", r.Storage, c.Name, r.Node))
	}
	var definitions []struct {
		Storage string
		Disable int
	}
	s.proxmox(c, "/storage", &definitions)
	for _, d := range definitions {
		for _, n := range c.Nodes {
			if d.Disable == 1 {
				out = append(out, fmt.Sprintf("storage %s of %s on %s", d.Storage, c.Name, n.Name))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// proxmox asks a simulated cluster itself.
func (s *site) proxmox(c sim.ClusterInfo, path string, into any) {
	s.t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, c.URL()+"/api2/json"+path, nil)
	require.NoError(s.t, err)
	admin := c.Credentials[sim.Admin]
	request.Header.Set("Authorization", "PVEAPIToken="+admin.TokenID+"="+admin.TokenSecret)
	response, err := transport.RoundTrip(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }() // it was read whole
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	answer := struct{ Data any }{into}
	require.NoError(s.t, json.NewDecoder(response.Body).Decode(&answer))
}

// storagesAnswer holds /api/storage to what the state shows.
func (s *site) storagesAnswer(p *lab.Pulse, shown state) {
	s.t.Helper()
	byNode := map[string]int{}
	for _, path := range []string{"/api/storage", "/api/storage/"} {
		var all struct{ Data []stateStorage }
		s.read(p, path, &all)
		require.Len(s.t, all.Data, len(shown.Storage))
		for _, st := range all.Data {
			require.NotEqual(s.t, st.Shared, st.Node != "shared", st.ID)
			require.Equal(s.t, st.Name == "old-iso", st.Status == "disabled", "%s is %s", st.ID, st.Status)
		}
	}
	for _, st := range shown.Storage {
		for _, id := range []string{st.ID, st.UID} {
			var one struct{ Data stateStorage }
			s.read(p, "/api/storage/"+url.PathEscape(id), &one)
			require.Equal(s.t, [2]string{st.Instance, st.Name}, [2]string{one.Data.Instance, one.Data.Name}, id)
		}
		byNode[st.Instance+"-"+st.Node]++
	}
	for _, n := range shown.Nodes {
		var list struct{ Data []stateStorage }
		s.read(p, "/api/storage/"+url.PathEscape(n.ID), &list)
		require.GreaterOrEqual(s.t, len(list.Data), byNode[n.ID], n.ID)
		for _, st := range list.Data {
			require.Equal(s.t, n.Instance, st.Instance, n.ID)
			require.Contains(s.t, []string{n.Name, "shared"}, st.Node, n.ID)
		}
	}
	require.Equal(s.t, http.StatusNotFound, s.ask(p, http.MethodGet, "/api/storage/no-such", nil).Status)
}

// streamGreets holds a WebSocket to its order and its content.
func (s *site) streamGreets(p *lab.Pulse, want []string) {
	s.t.Helper()
	stream := s.stream(p)
	welcome := s.next(stream)
	require.Equal(s.t, "welcome", welcome.Type)
	require.JSONEq(s.t, `{"message":"Connected to Pulse WebSocket"}`, string(welcome.Data))
	initial := s.next(stream)
	require.Equal(s.t, "initialState", initial.Type)
	var st state
	require.NoError(s.t, json.Unmarshal(initial.Data, &st))
	require.NoError(s.t, difference(want, st.holdings()))

	raw := s.next(stream)
	require.Equal(s.t, "rawData", raw.Type, "numbers move, so the next message is a state")
	require.NoError(s.t, json.Unmarshal(raw.Data, &st))
	require.NoError(s.t, difference(want, st.holdings()))

	require.NoError(s.t, stream.Send(map[string]string{"type": "ping"}))
	s.awaitMessage(stream, "pong")
	require.NoError(s.t, stream.Send(map[string]string{"type": "requestData"}))
	s.awaitMessage(stream, "rawData")
}

func (s *site) awaitMessage(stream *lab.Stream, kind string) {
	s.t.Helper()
	for s.next(stream).Type != kind { // states come in between
	}
}
