package blackbox

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// cyclesAfter is for how many full readings after a fault nothing else may look dead.
const cyclesAfter = 3

// The member that fails is the one that is configured, and so the one that Pulse asks.
func TestOneMemberDownLeavesTheRestAlive(t *testing.T) {
	t.Parallel()
	s, p, c := watchedCluster(t)
	stream := s.stream(p)
	down := c.Nodes[0].Name
	s.fault(sim.Order{Fault: "node-down", Cluster: c.Name, Node: down})

	offlineSince := 0
	s.follow(stream, "full readings without "+down, func(st state) bool {
		othersLive(t, st, down)
		for _, n := range st.Nodes {
			if n.Name == down && n.Status == "offline" && offlineSince == 0 {
				offlineSince = st.Stats.PollingCycles
			}
		}
		return offlineSince > 0 && st.Stats.PollingCycles >= offlineSince+cyclesAfter
	})
	s.awaitNode(p, "pve-0", "a true status", func(n node) error {
		if n.Status == "disconnected" {
			return fmt.Errorf("it is %s: %s", n.Status, n.Error)
		}
		return nil
	})

	s.fault(sim.Order{Fault: "node-up", Cluster: c.Name, Node: down})
	s.follow(stream, "the return of "+down, func(st state) bool {
		othersLive(t, st, down)
		for _, n := range st.Nodes {
			if n.Status != "online" || n.Freshness != "live" {
				return false
			}
		}
		return true
	})
}

// A member that accepts connections and never answers is no reason to call anything offline, not even itself.
func TestOneHangingMemberDelaysNobody(t *testing.T) {
	t.Parallel()
	s, p, c := watchedCluster(t)
	stream := s.stream(p)
	s.fault(sim.Order{Fault: "hang", Cluster: c.Name, Node: c.Nodes[0].Name})
	require.NoError(t, s.sim.Forget(t.Context()))
	since := s.state(p).Stats.PollingCycles
	s.follow(stream, "full readings by another member", func(st state) bool {
		othersLive(t, st, c.Nodes[0].Name)
		for _, n := range st.Nodes {
			require.Equal(t, "online", n.Status, n.Name)
		}
		return st.Stats.PollingCycles > since+cyclesAfter && s.answeredBy(c)["/cluster/resources"] >= cyclesAfter
	})
	s.fault(sim.Order{Fault: "hang", Cluster: c.Name, Node: c.Nodes[0].Name, Off: true})
}

// answeredBy counts the answers of all members but the first, by pattern.
func (s *site) answeredBy(c sim.ClusterInfo) map[string]int {
	s.t.Helper()
	requests, err := s.sim.Requests(s.t.Context(), c.Name)
	require.NoError(s.t, err)
	counts := map[string]int{}
	for _, r := range requests {
		if r.Node != c.Nodes[0].Name {
			counts[r.Pattern]++
		}
	}
	return counts
}

// watchedCluster is a cluster of three that Pulse reads every two seconds by its first member.
func watchedCluster(t *testing.T) (*site, *lab.Pulse, sim.ClusterInfo) {
	t.Helper()
	s := newSite(t, "-clusters", "1", "-nodes", "3", "-guests", "12", "-tick", "1s")
	c := s.sim.Estate.Clusters[0]
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	s.every(p, 2)
	s.add(p, withToken("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	s.await(p, "the whole cluster", func(st state) error {
		if len(st.Nodes) != 3 || len(st.guests()) != 12 {
			return fmt.Errorf("%d nodes, %d guests", len(st.Nodes), len(st.guests()))
		}
		return nil
	})
	return s, p, c
}

// othersLive holds everything that is not on a node to be shown as live.
func othersLive(t *testing.T, st state, except string) {
	t.Helper()
	require.Len(t, st.Nodes, 3)
	require.Len(t, st.guests(), 12)
	for _, n := range st.Nodes {
		if n.Name != except {
			require.Equal(t, "online live", n.Status+" "+n.Freshness, n.Name)
		}
	}
	for _, g := range st.guests() {
		if g.Node != except {
			require.Equal(t, "live", g.Freshness, g.ID)
			require.Contains(t, []string{"running", "stopped", "paused"}, g.Status, g.ID)
		}
	}
	for _, v := range st.Storage {
		if v.Node != except {
			require.Equal(t, "available live", v.Status+" "+v.Freshness, v.ID)
		}
	}
}
