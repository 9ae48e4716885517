package replicas

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// slowly is how long a simulated server of these tests takes for each answer, so that a reading of it is under way most
// of the time.
const slowly = 1500 * time.Millisecond

// witness follows what a replica that reads nothing itself shows of one guest, which is what the others committed.
type witness struct {
	f      *fleet
	shown  *lab.Pulse
	target string
	vmid   int
	last   time.Time
	after  string // the status it must keep once it had it; empty before
}

// look holds the state to go forward only.
func (w *witness) look() guest {
	w.f.t.Helper()
	g := w.f.state(w.shown).guest(w.target, w.vmid)
	require.NotNil(w.f.t, g)
	require.False(w.f.t, g.LastSeen.Before(w.last), "last seen at %s, and before that at %s", g.LastSeen, w.last)
	w.last = g.LastSeen
	if w.after != "" {
		require.Equal(w.f.t, w.after, g.Status, "an old observation was committed")
	}
	return *g
}

// changesTo waits until the witness shows a status, which then must stay.
func (w *witness) changesTo(status string) {
	w.f.t.Helper()
	w.f.until("the guest to be "+status, func() error {
		if g := w.look(); g.Status != status {
			return fmt.Errorf("it is %s", g.Status)
		}
		return nil
	})
	w.after = status
}

// pair are two replicas that read a slow target and another one, and a third replica that reads nothing.
type pair struct {
	*fleet
	readers       [2]*lab.Pulse
	target, quick string
	witness       *witness
}

func newPair(t *testing.T, settings func(f *fleet, i int) map[string]string) *pair {
	t.Helper()
	f := newFleet(t, "-clusters", "2", "-nodes", "1", "-guests", "8", "-tick", "1s")
	f.declare("2s")
	p := &pair{fleet: f, target: f.clusterNames()[0], quick: f.clusterNames()[1]}
	for i := range p.readers {
		p.readers[i] = f.start(i, settings(f, i))
	}
	shown := f.start(2, map[string]string{"PULSE_ROLE": "api"})
	f.ready(p.readers[0], p.readers[1], shown)
	f.awaitTruth(shown)
	p.witness = &witness{f: f, shown: shown, target: p.target, vmid: f.running(p.target).VMID}
	f.fault(sim.Order{
		Fault: "slow", Cluster: p.target, Node: f.sim.Estate.Clusters[0].Nodes[0].Name, DelayMilliseconds: slowly.Milliseconds(),
	})
	return p
}

// readBy counts the readings that some of the replicas have made since a moment.
func (p *pair) readBy(since time.Time, replicas ...int) int {
	p.t.Helper()
	n := 0
	for _, poll := range p.pollsSince(p.target, since) {
		for _, i := range replicas {
			if poll.by == agentOf(i) {
				n++
			}
		}
	}
	return n
}

// awaitReadBy waits until some of the replicas have made so many readings since a moment, while the witness looks.
func (p *pair) awaitReadBy(count int, since time.Time, replicas ...int) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d readings by %v", count, replicas), func() error {
		p.witness.look()
		if n := p.readBy(since, replicas...); n < count {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
}

// awaitMoment waits for a moment that has nothing to do with the readings of the target.
func (p *pair) awaitMoment() {
	p.t.Helper()
	since := time.Now()
	p.until("a reading of "+p.quick, func() error {
		p.witness.look()
		if len(p.pollsSince(p.quick, since)) == 0 {
			return errNotRead
		}
		return nil
	})
}

// overtake takes the replica that reads the target away in the middle of a reading, stops a guest, has the other replica
// commit that, brings the first one back, and holds everything to the newer state.
func (p *pair) overtake(away, back func(i int)) {
	p.t.Helper()
	var owner int
	for {
		p.awaitMoment()
		owner = p.reader(p.target)
		away(owner)
		since := time.Now()
		p.awaitReadBy(1, since, 1-owner) // by then whatever the first one had asked for was answered
		if p.readBy(since, owner) > 0 {
			break
		}
		back(owner) // it was taken away between two readings
		p.awaitReadBy(2, time.Now(), 0, 1)
	}
	p.act("stop-silently", p.target, p.witness.vmid)
	p.witness.changesTo("stopped")
	back(owner)
	p.awaitReadBy(4, time.Now(), 0, 1)
	for _, reader := range p.readers {
		p.await(reader, "the stopped guest", func(st state) error {
			return shows(st, p.target, p.witness.vmid, "stopped")
		})
	}
}

// The answer to the stopped process's question waits in its socket, and speaks of a guest that runs, long after another
// replica has committed that it does not.
func TestAStoppedProcessCommitsNothingOld(t *testing.T) {
	t.Parallel()
	p := newPair(t, func(*fleet, int) map[string]string { return nil })
	p.overtake(
		func(i int) { require.NoError(t, p.readers[i].Signal(syscall.SIGSTOP)) },
		func(i int) { require.NoError(t, p.readers[i].Signal(syscall.SIGCONT)) },
	)
}

// What a replica had sent to Redis arrives after another has committed something newer.
func TestACommitThatArrivesLateIsRefused(t *testing.T) {
	t.Parallel()
	var ways [2]*lab.Proxy
	p := newPair(t, func(f *fleet, i int) map[string]string {
		ways[i] = labtest.Proxy(f.t, lab.ProxyOptions{Target: f.redis.Address()})
		return map[string]string{"PULSE_STORE": f.redis.URLAt(ways[i].Address())}
	})
	p.overtake(func(i int) { ways[i].Hold() }, func(i int) { ways[i].Heal() })
}
