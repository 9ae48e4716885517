package replicas

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestRedisAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		away func(f *fleet, way *lab.Proxy)
		back func(f *fleet, way *lab.Proxy)
	}{
		{
			"killed, and started again with its data",
			func(f *fleet, _ *lab.Proxy) { f.redis.Kill() },
			func(f *fleet, _ *lab.Proxy) { f.startRedis() },
		},
		{
			"killed, and started again with nothing",
			func(f *fleet, _ *lab.Proxy) { f.redis.Kill() },
			func(f *fleet, _ *lab.Proxy) { f.emptyRedis(); f.startRedis() },
		},
		{
			"beyond a network that passes nothing on",
			func(_ *fleet, way *lab.Proxy) { way.Hold() },
			func(_ *fleet, way *lab.Proxy) { way.Heal() },
		},
		{
			"beyond a network that cuts every connection",
			func(_ *fleet, way *lab.Proxy) { way.Cut() },
			func(_ *fleet, way *lab.Proxy) { way.Heal() },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, way, all := watched(t)
			tt.away(f, way)
			for i, p := range all {
				f.servesTheLastState(i, p)
			}
			cluster := f.clusterNames()[0]
			f.act("stop-silently", cluster, f.running(cluster).VMID)
			tt.back(f, way)
			f.reconciles(all)
		})
	}
}

// A Redis that forgot everything while it was never away is the same to a person who configured something, also when
// a new replica comes to it before the others have noticed.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	for name, newcomer := range map[string]bool{"unnoticed": false, "with a newcomer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, all := watched(t)
			require.NoError(t, f.redis.Flush(t.Context()))
			if newcomer {
				all = append(all, f.start(1, map[string]string{"PULSE_ROLE": "api"}))
			}
			cluster := f.clusterNames()[0]
			f.act("stop-silently", cluster, f.running(cluster).VMID)
			f.until("the configuration to be written back", func() error {
				for _, p := range all {
					if strings.Contains(p.Log(), "the configuration was written back") {
						return nil
					}
				}
				return errNotThere
			})
			f.reconciles(all)
		})
	}
}

// watched are two replicas that watch an estate, which was added through one of them, a third that reads nothing, and
// the way of all of them to their Redis.
func watched(t *testing.T) (*fleet, *lab.Proxy, []*lab.Pulse) {
	t.Helper()
	f := newFleet(t, "-clusters", "3", "-nodes", "1", "-guests", "12", "-pbs", "1", "-tick", "1s")
	way := labtest.Proxy(t, lab.ProxyOptions{Target: f.redis.Address()})
	all := make([]*lab.Pulse, 3)
	for i, role := range []string{"all", "all", "api"} {
		all[i] = f.start(i, map[string]string{"PULSE_STORE": f.redis.URLAt(way.Address()), "PULSE_ROLE": role})
	}
	f.every(all[0], 2)
	f.addEstate(all[0])
	f.ready(all...)
	for _, p := range all {
		f.awaitTruth(p)
		f.awaitConnected(p)
	}
	f.awaitFair(0, 1)
	return f, way, all
}

// startRedis starts Redis again.
func (f *fleet) startRedis() {
	f.t.Helper()
	require.NoError(f.t, f.redis.Start(f.t.Context()))
}

// emptyRedis removes what Redis has kept, while it does not run.
func (f *fleet) emptyRedis() {
	f.t.Helper()
	require.NoError(f.t, os.RemoveAll(f.redis.Dir()))
	require.NoError(f.t, os.Mkdir(f.redis.Dir(), 0o700))
}

// awaitConnected waits until a replica has all targets of the estate, each connected with its token.
func (f *fleet) awaitConnected(p *lab.Pulse) {
	f.t.Helper()
	f.until("all targets", func() error {
		nodes := f.nodes(p)
		if len(nodes) != len(f.targetNames()) {
			return fmt.Errorf("there are %d", len(nodes))
		}
		for _, n := range nodes {
			if n.Status != "connected" || !n.HasToken || n.TokenName == "" {
				return fmt.Errorf("%s is %s", n.Name, n.Status)
			}
		}
		return nil
	})
}

// servesTheLastState holds a replica that lost its Redis to what it can still say: what others read for it is stale, with
// the age that it had; what it reads itself is all that may be live.
func (f *fleet) servesTheLastState(i int, p *lab.Pulse) {
	f.t.Helper()
	f.until("readiness to tell", func() error {
		reply := f.ask(p, http.MethodGet, "/api/ready", nil, nil)
		if reply.Status != http.StatusServiceUnavailable {
			return fmt.Errorf("it is %d", reply.Status)
		}
		require.Contains(f.t, failureOf(f.t, reply), "store")
		return nil
	})
	stale := f.await(p, "the age of everything", func(st state) error {
		for _, g := range st.guests() {
			if g.Freshness != "stale" && f.reader(g.Instance) != i {
				return fmt.Errorf("%s is %s", g.ID, g.Freshness)
			}
		}
		return nil
	})
	require.NoError(f.t, difference(f.truth(), stale.holdings()), "the last state is served")
	require.Len(f.t, stale.PBS, len(f.sim.Estate.BackupServers))
	require.True(f.t, slices.ContainsFunc(stale.guests(), func(g guest) bool { return g.Freshness == "stale" }))
	again := f.state(p)
	for _, g := range stale.guests() {
		if g.Freshness == "stale" {
			require.Equal(f.t, g.LastSeen, again.guest(g.Instance, g.VMID).LastSeen, "its age goes on")
		}
	}
	require.Equal(f.t, http.StatusOK, f.status(p, "/api/health"))
	require.Len(f.t, f.nodes(p), len(f.targetNames()))
	reply := f.ask(p, http.MethodPost, "/api/config/nodes", nil, unreachable("not kept", 1))
	require.Equal(f.t, http.StatusServiceUnavailable, reply.Status, "what cannot be kept is not accepted")
}

// reconciles holds replicas whose Redis is back to show the truth, to have kept what was configured, and to take changes;
// and a new replica, which knows nothing but what is in Redis, to the same.
func (f *fleet) reconciles(all []*lab.Pulse) {
	f.t.Helper()
	f.ready(all...)
	fresh := f.start(0, nil)
	f.ready(fresh)
	all = append(all, fresh)
	for _, p := range all {
		f.awaitTruth(p)
		f.awaitConnected(p)
		var settings struct{ PollingInterval int }
		f.read(p, "/api/config/system", &settings)
		require.Equal(f.t, 2, settings.PollingInterval)
	}
	f.sameEverywhere(all, "/api/config/nodes")
	added, reply := f.change(all[1], http.MethodPost, "/api/config/nodes", unreachable("kept", 1))
	var node struct{ ID string }
	require.NoError(f.t, reply.JSON(&node))
	for _, p := range all {
		names := f.nodesAt(p, added)
		require.Equal(f.t, "kept", names[node.ID])
		require.Len(f.t, names, len(f.targetNames())+1, "what was refused is not there")
	}
}
