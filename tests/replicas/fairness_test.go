package replicas

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The bounds of a replica's part of the readings while there are three.
const (
	leastShare = 0.27
	mostShare  = 0.40
)

func TestReplicasShareTheReadingsFairly(t *testing.T) {
	t.Parallel()
	const (
		interval = 2 * time.Second
		cycles   = 50
	)
	f := newFleet(t, "-clusters", "50", "-nodes", "1", "-guests", "50", "-pbs", "10", "-backups-per-guest", "1")
	f.declare(interval.String())
	f.ready(f.startAll(3)...)
	f.awaitFair(0, 1, 2)
	f.forget()
	all := f.awaitPolls(cycles)
	require.Len(t, all, 60)
	require.NoError(t, fair(all, []int{0, 1, 2}, leastShare, mostShare))

	total, twice := 0, 0
	for _, polls := range all {
		total += len(polls)
		for i := range polls[1:] {
			if polls[i+1].at.Sub(polls[i].at) < interval/2 {
				twice++
			}
		}
	}
	require.LessOrEqual(t, float64(twice), 0.01*float64(total), "%d of %d readings came twice in a cycle", twice, total)
	t.Logf("%d readings, %d of them twice in a cycle, shares %v", total, twice, shares(all))
}

func TestTargetsOfADeadReplicaMove(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "-clusters", "30", "-nodes", "1", "-guests", "30")
	f.declare("4s")
	all := f.startAll(3)
	f.ready(all...)
	f.awaitFair(0, 1, 2)
	f.forget()
	before := f.awaitPolls(2)

	all[0].Kill()
	killed := time.Now()
	orphans := map[string]bool{}
	for target, polls := range before {
		if polls[len(polls)-1].by == agentOf(0) {
			orphans[target] = true
		}
	}
	require.NotEmpty(t, orphans)
	moved := map[string]time.Time{}
	for target := range orphans {
		f.until("another replica to read "+target, func() error {
			for _, p := range f.pollsSince(target, killed) {
				if p.by != agentOf(0) {
					moved[target] = p.at
					return nil
				}
			}
			return errNotRead
		})
	}
	others := f.pollsOfAll()
	for target := range orphans {
		delete(others, target)
	}
	for target, at := range moved {
		t.Logf("%s was read %s after the kill", target, at.Sub(killed))
		require.LessOrEqual(t, cyclesWithin(others, killed, at), 2, "%s was read %s after the kill", target, at.Sub(killed))
	}
	f.awaitFair(1, 2)
}
