package replicas

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// kills is how often a replica is killed.
const kills = 20

// killing are two replicas that are killed by turns while the estate and its configuration change.
type killing struct {
	*fleet
	both [2]*lab.Pulse
	ids  []string
	// names are the targets' names by their ids, as acknowledged.
	names map[string]string
}

func TestKillingOneOfTwoReplicasLosesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "-clusters", "12", "-nodes", "1", "-guests", "48", "-tick", "1s")
	k := &killing{fleet: f, names: map[string]string{}}
	for i := range k.both {
		k.both[i] = f.start(i, nil)
	}
	f.every(k.both[0], 2)
	k.ids = f.addEstate(k.both[0])
	for i, id := range k.ids {
		k.names[id] = f.clusterNames()[i]
	}
	f.ready(k.both[:]...)
	f.awaitFair(0, 1)
	f.forget()
	for round := range kills {
		k.round(round)
	}
	f.awaitPolls(2)
	k.compare()
	k.gaps(2)
}

// round kills a replica in the middle of a cycle, right after it acknowledged a change, and starts it again.
func (k *killing) round(n int) {
	k.t.Helper()
	victim, survivor := n%2, k.both[1-n%2]
	id, name := k.ids[n%len(k.ids)], fmt.Sprintf("target-%d", n)
	k.awaitWork(victim)
	k.change(k.both[victim], http.MethodPut, "/api/config/nodes/"+url.PathEscape(id), map[string]any{"name": name})
	k.both[victim].Kill()
	k.names[id] = name
	cluster := k.clusterNames()[n%len(k.ids)]
	k.act("stop-silently", cluster, k.running(cluster).VMID)
	k.until("the change that the killed replica acknowledged", func() error {
		for _, node := range k.nodes(survivor) {
			if node.ID == id && node.Name == name {
				return nil
			}
		}
		return errNotThere
	})
	k.both[victim] = k.start(victim, nil)
	k.ready(k.both[victim])
	k.awaitWork(victim)
}

// awaitWork waits until a replica reads something.
func (k *killing) awaitWork(i int) {
	k.t.Helper()
	since := time.Now()
	k.until(versionOf(i)+" to read something", func() error {
		for _, target := range k.clusterNames() {
			for _, p := range k.pollsSince(target, since) {
				if p.by == agentOf(i) {
					return nil
				}
			}
		}
		return errNotRead
	})
}

// compare holds both replicas to the truth and to what was configured.
func (k *killing) compare() {
	k.t.Helper()
	var want []string
	for i, id := range k.ids {
		guests, err := k.sim.Guests(k.t.Context(), k.clusterNames()[i])
		require.NoError(k.t, err)
		for _, g := range guests {
			want = append(want, guestLine(k.names[id], g.VMID, g.Name, g.Status))
		}
	}
	for _, p := range k.both {
		k.await(p, "the truth", func(st state) error { return difference(sorted(want), st.holdings()) })
		names := map[string]string{}
		for _, n := range k.nodes(p) {
			require.True(k.t, n.HasToken, n.ID)
			names[n.ID] = n.Name
		}
		require.Equal(k.t, k.names, names)
	}
}

// gaps holds all targets to be read at least once in so many cycles.
func (k *killing) gaps(cycles int) {
	k.t.Helper()
	all := k.pollsOfAll()
	longest := time.Duration(0)
	for target, polls := range all {
		for i := range polls[1:] {
			from, to := polls[i].at, polls[i+1].at
			longest = max(longest, to.Sub(from))
			require.LessOrEqual(k.t, cyclesWithin(all, from, to), cycles, "%s was not read for %s", target, to.Sub(from))
		}
	}
	k.t.Logf("the longest time between two readings of a target was %s", longest)
}
