package blackbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// The full reading comes once an hour here, so that what shows on the stream can only have been seen by watching the
// cluster's tasks.
func TestWhatATaskDoesShowsWithoutAFullReading(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "3", "-guests", "12")
	c := s.sim.Estate.Clusters[0]
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	s.every(p, 3600)
	s.add(p, withToken("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	s.await(p, "all guests", func(st state) error {
		if len(st.guests()) != 12 {
			return fmt.Errorf("%d guests", len(st.guests()))
		}
		return nil
	})
	guests, err := s.sim.Guests(t.Context(), c.Name)
	require.NoError(t, err)
	cycles := s.state(p).Stats.PollingCycles
	stream := s.stream(p)
	require.NoError(t, s.sim.Forget(t.Context()))

	stopped := pick(t, guests, "qemu", "running")
	first := s.actAndFollow(stream, "stop", sim.Order{Cluster: c.Name, VMID: stopped.VMID}, showsStatus(stopped.VMID, "stopped"))
	s.actAndFollow(stream, "start", sim.Order{Cluster: c.Name, VMID: stopped.VMID}, showsStatus(stopped.VMID, "running"))
	container := pick(t, guests, "lxc", "running")
	s.actAndFollow(stream, "stop", sim.Order{Cluster: c.Name, VMID: container.VMID}, showsStatus(container.VMID, "stopped"))
	s.noFullReading(c.Name, false)

	elsewhere := c.Nodes[0].Name
	if stopped.Node == elsewhere {
		elsewhere = c.Nodes[1].Name
	}
	moved := s.actAndFollow(stream, "migrate", sim.Order{Cluster: c.Name, VMID: stopped.VMID, Node: elsewhere},
		func(st state) bool {
			g := st.guest("prod", stopped.VMID)
			return g != nil && g.Node == elsewhere && g.Status == "running"
		})
	require.Equal(t, first.guest("prod", stopped.VMID).UID, moved.guest("prod", stopped.VMID).UID, "it is the same guest")
	require.Len(t, moved.guests(), 12)

	s.actAndFollow(stream, "create", sim.Order{
		Cluster: c.Name, VMID: 4711, Type: "lxc", Name: "newborn", Node: c.Nodes[2].Name, Status: "running",
	}, func(st state) bool {
		g := st.guest("prod", 4711)
		return g != nil && g.Name == "newborn" && g.Status == "running" && g.Type == "lxc" && g.Node == c.Nodes[2].Name
	})
	s.actAndFollow(stream, "remove", sim.Order{Cluster: c.Name, VMID: 4711},
		func(st state) bool { return st.guest("prod", 4711) == nil })
	s.noFullReading(c.Name, true)
	require.Equal(t, cycles, s.state(p).Stats.PollingCycles)
}

// actAndFollow acts on a guest and follows the stream until it shows.
func (s *site) actAndFollow(stream *lab.Stream, action string, order sim.Order, shown func(state) bool) state {
	s.t.Helper()
	require.NoError(s.t, s.sim.Act(s.t.Context(), action, order))
	return s.follow(stream, action, shown)
}

// noFullReading holds the simulator's log to what a watch may ask. A guest that left its node may be looked up in the
// cluster's table.
func (s *site) noFullReading(cluster string, lookUp bool) {
	s.t.Helper()
	for call, n := range s.counts(cluster) {
		switch {
		case call == "GET /cluster/tasks", strings.HasSuffix(call, "/{vmid}/status/current"):
		case call == "GET /cluster/resources" && lookUp:
		default:
			require.Failf(s.t, "more than the watch asks", "%s, %d times", call, n)
		}
	}
}

func showsStatus(vmid int, status string) func(state) bool {
	return func(st state) bool {
		g := st.guest("prod", vmid)
		return g != nil && g.Status == status
	}
}

// pick is the first guest of a type and status.
func pick(t *testing.T, guests []sim.Guest, kind, status string) sim.Guest {
	t.Helper()
	for _, g := range guests {
		if g.Type == kind && g.Status == status && !g.Template {
			return g
		}
	}
	require.FailNow(t, "no such guest", "%s, %s", kind, status)
	return sim.Guest{}
}
