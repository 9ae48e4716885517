package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// What is configured and what was last seen survives; what cannot be read at present is not called live.
func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "8", "-pbs", "1", "-tick", "1s")
	c, b := s.sim.Estate.Clusters[0], s.sim.Estate.BackupServers[0]
	dir := t.TempDir()
	p := s.start(lab.PulseOptions{Dir: dir, Token: apiToken})
	s.every(p, 2)
	gone := s.add(p, withToken("pve", "gone", "127.0.0.1:1", c.Credentials[sim.Auditor]))
	require.Equal(t, http.StatusOK, s.ask(p, http.MethodDelete, "/api/config/nodes/"+gone, nil).Status)
	id := s.add(p, withToken("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	backup := s.add(p, withToken("pbs", "vault", b.URL, b.Credentials[sim.Auditor]))
	require.NotEqual(t, gone, id, "an id is never given twice")
	before := s.await(p, "everything", func(st state) error {
		if len(st.guests()) != 8 || len(st.PBS) != 1 || len(st.PBS[0].Datastores) == 0 {
			return fmt.Errorf("%d guests, %d backup servers", len(st.guests()), len(st.PBS))
		}
		return nil
	})
	renamed := s.ask(p, http.MethodPut, "/api/config/nodes/"+id, map[string]any{"name": "renamed"})
	require.Equal(t, http.StatusOK, renamed.Status)
	s.await(p, "the new name", func(st state) error {
		if st.Nodes[0].Instance != "renamed" {
			return errors.New(st.Nodes[0].Instance)
		}
		return nil
	})
	s.awaitNode(p, id, "the connection", isStatus("connected"))
	require.NoError(t, p.Stop(t.Context()))

	for _, n := range c.Nodes {
		s.fault(sim.Order{Fault: "node-down", Cluster: c.Name, Node: n.Name})
	}
	s.fault(sim.Order{Fault: "pbs-down", Server: b.Name})
	p = s.start(lab.PulseOptions{Dir: dir, Token: apiToken})
	after := s.state(p)
	require.Equal(t, identities(before), identities(after), "ids keep the slug that the name had at first")
	for _, g := range after.guests() {
		require.Equal(t, "renamed", g.Instance)
	}
	s.awaitNode(p, id, "the truth", isStatus("disconnected"))
	s.await(p, "the age of what was seen", func(st state) error {
		for _, g := range st.guests() {
			if g.Freshness == "live" {
				return fmt.Errorf("%s is called live", g.ID)
			}
		}
		return nil
	})
	require.Equal(t, identities(before), identities(s.state(p)), "nothing is dropped")

	for _, n := range c.Nodes {
		s.fault(sim.Order{Fault: "node-up", Cluster: c.Name, Node: n.Name})
	}
	s.fault(sim.Order{Fault: "pbs-up", Server: b.Name})
	for _, target := range []string{id, backup} { // a change is read at once, whatever the pause after failures
		changed := s.ask(p, http.MethodPut, "/api/config/nodes/"+target, map[string]any{"name": "now " + target})
		require.Equal(t, http.StatusOK, changed.Status)
	}
	s.awaitNode(p, id, "the return", isStatus("connected"))
	s.awaitNode(p, backup, "the return", isStatus("connected"))
	s.await(p, "live readings", func(st state) error {
		for _, g := range st.guests() {
			if g.Freshness != "live" {
				return fmt.Errorf("%s is %s", g.ID, g.Freshness)
			}
		}
		return nil
	})
}

// identities are the ids of everything in a state.
func identities(st state) map[string]string {
	out := map[string]string{}
	for _, n := range st.Nodes {
		out[n.ID] = n.UID
	}
	for _, g := range st.guests() {
		out[g.ID] = g.UID
	}
	for _, v := range st.Storage {
		out[v.ID] = v.UID
	}
	for _, p := range st.PBS {
		out[p.ID] = p.Name
	}
	return out
}

// Two processes may share one database: neither loses what the other accepted, and each shows it.
func TestTwoProcessesShareOneDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	both := []*lab.Pulse{s.start(lab.PulseOptions{Dir: dir}), s.start(lab.PulseOptions{Dir: dir})}
	const each = 10
	var wg sync.WaitGroup
	for i, p := range both {
		wg.Go(func() {
			for j := range each {
				reply, err := p.Post(t.Context(), "/api/config/nodes", map[string]any{
					"type": "pbs", "name": fmt.Sprintf("n%d-%d", i, j), "host": fmt.Sprintf("127.1.%d.%d:1", i, j+1),
					"user": "a@pbs", "password": "12345",
				})
				if err != nil || reply.Status != http.StatusCreated {
					t.Errorf("add: %v, %d %s", err, reply.Status, reply.Body)
				}
			}
		})
	}
	wg.Wait()
	for _, p := range both {
		labtest.Await(t, "the nodes of both", func(context.Context) error {
			names := map[string]bool{}
			ids := map[string]bool{}
			for _, n := range s.nodes(p) {
				names[n.Name], ids[n.ID] = true, true
			}
			if len(names) != 2*each || len(ids) != 2*each {
				return fmt.Errorf("%d names, %d ids", len(names), len(ids))
			}
			return nil
		})
	}
}
