package replicas

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// revisionHeader carries the position of a change of the configuration.
const revisionHeader = "Pulse-Revision"

// change changes the configuration and returns the position that the answer tells.
func (f *fleet) change(p *lab.Pulse, method, path string, body any) (revision http.Header, reply lab.Reply) {
	f.t.Helper()
	reply = f.ask(p, method, path, nil, body)
	require.Lessf(f.t, reply.Status, http.StatusMultipleChoices, "%s %s: %s", method, path, reply.Body)
	position := reply.Header.Get(revisionHeader)
	require.NotEmpty(f.t, position, "%s %s tells no revision", method, path)
	return http.Header{revisionHeader: {position}}, reply
}

// nodesAt reads the nodes as of a revision, by their names.
func (f *fleet) nodesAt(p *lab.Pulse, revision http.Header) map[string]string {
	f.t.Helper()
	reply := f.ask(p, http.MethodGet, "/api/config/nodes", revision, nil)
	require.Equalf(f.t, http.StatusOK, reply.Status, "%s", reply.Body)
	var list []node
	require.NoError(f.t, reply.JSON(&list))
	names := map[string]string{}
	for _, n := range list {
		names[n.ID] = n.Name
	}
	return names
}

// unreachable is a node to add that nothing answers for.
func unreachable(name string, number int) map[string]any {
	return map[string]any{
		"type": "pve", "name": name, "host": fmt.Sprintf("127.1.%d.%d:1", number/250, number%250+1),
		"tokenName": "a@pve!t", "tokenValue": "12345678-1234-1234-1234-123456789abc",
	}
}

func TestAChangeShowsOnEveryReplicaBeforeItsNextAnswer(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	all := f.startAll(3)
	f.ready(all...)
	const rounds = 15
	for i := range rounds {
		writer, others := all[i%3], []*lab.Pulse{all[(i+1)%3], all[(i+2)%3]}
		name := fmt.Sprintf("node-%d", i)
		added, reply := f.change(writer, http.MethodPost, "/api/config/nodes", unreachable(name, i))
		var node struct{ ID string }
		require.NoError(t, reply.JSON(&node))
		for _, p := range others {
			require.Equal(t, name, f.nodesAt(p, added)[node.ID])
		}
		path := "/api/config/nodes/" + url.PathEscape(node.ID)
		renamed, _ := f.change(others[0], http.MethodPut, path, map[string]any{"name": name + "-renamed"})
		for _, p := range []*lab.Pulse{writer, others[1]} {
			require.Equal(t, name+"-renamed", f.nodesAt(p, renamed)[node.ID])
		}
		set, _ := f.change(others[1], http.MethodPut, "/api/config/system", map[string]any{"pollingInterval": 10 + i})
		for _, p := range []*lab.Pulse{writer, others[0]} {
			reply := f.ask(p, http.MethodGet, "/api/config/system", set, nil)
			var settings struct{ PollingInterval int }
			require.NoError(t, reply.JSON(&settings))
			require.Equal(t, 10+i, settings.PollingInterval)
			require.Equal(t, name+"-renamed", f.nodesAt(p, added)[node.ID], "an earlier revision is in force too")
		}
		removed, _ := f.change(writer, http.MethodDelete, path, nil)
		for _, p := range others {
			require.NotContains(t, f.nodesAt(p, removed), node.ID)
		}
	}
}

func TestAChangeShowsSoonOnReplicasThatAreNotTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	all := f.startAll(3)
	f.ready(all...)
	id := f.add(all[0], unreachable("somewhere", 1))
	for _, p := range all[1:] {
		f.until("the node", func() error {
			if !slices.ContainsFunc(f.nodes(p), func(n node) bool { return n.ID == id && n.Name == "somewhere" }) {
				return errNotThere
			}
			return nil
		})
	}
}

func TestRevisionsThatCannotBeAwaited(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	all := f.startAll(2)
	f.ready(all...)
	revision, _ := f.change(all[0], http.MethodPost, "/api/config/nodes", unreachable("somewhere", 1))

	for _, path := range []string{"/api/config/nodes", "/api/state", "/api/storage", "/api/config/system"} {
		for _, malformed := range []string{"nonsense", "-", "1.2.3.4", "18446744073709551616", "ö"} {
			reply := f.ask(all[1], http.MethodGet, path, http.Header{revisionHeader: {malformed}}, nil)
			require.Equal(t, http.StatusBadRequest, reply.Status, "%s %q", path, malformed)
			require.Contains(t, failureOf(t, reply), revisionHeader)
		}
		reply := f.ask(all[1], http.MethodGet, path, revision, nil)
		require.Equal(t, http.StatusOK, reply.Status, path)

		began := time.Now()
		reply = f.ask(all[1], http.MethodGet, path, http.Header{revisionHeader: {later(revision.Get(revisionHeader))}}, nil)
		require.Equal(t, http.StatusServiceUnavailable, reply.Status, path)
		require.GreaterOrEqual(t, time.Since(began), time.Second, "it is awaited for a second")
	}
}

// later is a revision that no change has reached yet: the same with a greater last number.
func later(revision string) string {
	end := len(revision)
	for end > 0 && revision[end-1] >= '0' && revision[end-1] <= '9' {
		end--
	}
	return revision[:end] + "9" + revision[end:]
}
