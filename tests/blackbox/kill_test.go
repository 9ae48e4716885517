package blackbox

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

const (
	kills        = 4  // how often Pulse is killed
	writers      = 4  // how many clients write at the same time
	acknowledged = 24 // after so many accepted writes it is killed, in the middle of others
)

// writer is a client that adds, renames and removes nodes and remembers what was acknowledged.
type writer struct {
	number int
	serial int
	// nodes are the names of its nodes by id, as acknowledged.
	nodes map[string]string
	// open is the write whose outcome is not known, since Pulse was killed: the node's id (empty for a new one), and its
	// name after the write (empty when it was removed).
	open *openWrite
}

type openWrite struct{ id, name string }

func TestNothingAcknowledgedIsLostByKilling(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "1", "-guests", "3")
	c := s.sim.Estate.Clusters[0]
	dir := t.TempDir()
	p := s.start(lab.PulseOptions{Dir: dir})
	real := s.add(p, withPassword("pve", "real", c.URL(), c.Credentials[sim.Auditor]))
	clients := make([]*writer, writers)
	for i := range clients {
		clients[i] = &writer{number: i, nodes: map[string]string{}}
	}
	require.NoError(t, p.Stop(t.Context()))
	for range kills {
		p, err := lab.StartPulse(t.Context(), programs, lab.PulseOptions{Dir: dir})
		require.NoError(t, err)
		s.compare(p, real, clients)
		var done atomic.Int32
		var wg sync.WaitGroup
		for _, client := range clients {
			wg.Go(func() { client.write(t.Context(), p, &done) })
		}
		wg.Wait()
		<-p.Ended()
	}
	p = s.start(lab.PulseOptions{Dir: dir})
	s.compare(p, real, clients)
	n := s.awaitNode(p, real, "the connection with the stored password", isStatus("connected"))
	require.True(t, n.HasPassword)
}

// write writes until Pulse is dead; the client whose write is the last that counts kills it.
func (w *writer) write(ctx context.Context, p *lab.Pulse, done *atomic.Int32) {
	for w.step(ctx, p) {
		if done.Add(1) == acknowledged {
			p.Kill()
			return
		}
	}
}

// step makes one write and tells whether it was acknowledged.
func (w *writer) step(ctx context.Context, p *lab.Pulse) bool {
	w.serial++
	name := fmt.Sprintf("w%d-%d", w.number, w.serial)
	for id := range w.nodes {
		switch {
		case len(w.nodes) < 4:
		case w.serial%2 == 0:
			w.open = &openWrite{id, ""}
			reply, err := p.Do(ctx, http.MethodDelete, "/api/config/nodes/"+id, nil)
			return w.settle(reply, err, id, "")
		default:
			w.open = &openWrite{id, name}
			reply, err := p.Do(ctx, http.MethodPut, "/api/config/nodes/"+id, map[string]any{"name": name})
			return w.settle(reply, err, id, name)
		}
		break
	}
	w.open = &openWrite{"", name}
	reply, err := p.Post(ctx, "/api/config/nodes", map[string]any{
		"type": "pve", "name": name, "host": fmt.Sprintf("127.1.%d.%d:1", w.number, w.serial),
		"tokenName": "a@pve!t", "tokenValue": "12345678-1234-1234-1234-123456789abc",
	})
	var added struct{ ID string }
	if err == nil {
		err = reply.JSON(&added)
	}
	return w.settle(reply, err, added.ID, name)
}

// settle notes what was acknowledged.
func (w *writer) settle(reply lab.Reply, err error, id, name string) bool {
	if err != nil || reply.Status >= http.StatusMultipleChoices {
		return false
	}
	w.open = nil
	w.nodes[id] = name
	if name == "" {
		delete(w.nodes, id)
	}
	return true
}

// compare holds the list of nodes to what the clients know, and lets them know the outcome of their open writes.
func (s *site) compare(p *lab.Pulse, real string, clients []*writer) {
	s.t.Helper()
	stored := map[string]node{}
	for _, n := range s.nodes(p) {
		stored[n.ID] = n
	}
	require.Contains(s.t, stored, real)
	delete(stored, real)
	for _, w := range clients {
		w.learn(stored)
		for id, name := range w.nodes {
			n, ok := stored[id]
			require.Truef(s.t, ok, "%s, acknowledged as %s, is lost", id, name)
			require.Equal(s.t, name, n.Name, id)
			require.True(s.t, n.HasToken, id)
			require.Equal(s.t, "a@pve!t", n.TokenName, id)
			delete(stored, id)
		}
	}
	require.Empty(s.t, stored, "nobody added these")
}

// learn finds out whether the open write was made.
func (w *writer) learn(stored map[string]node) {
	if w.open == nil {
		return
	}
	open := *w.open
	w.open = nil
	if open.id != "" {
		n, ok := stored[open.id]
		switch {
		case !ok && open.name == "":
			delete(w.nodes, open.id)
		case ok && n.Name == open.name:
			w.nodes[open.id] = open.name
		}
		return
	}
	for id, n := range stored {
		if n.Name == open.name {
			w.nodes[id] = open.name
		}
	}
}
