package replicas

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
)

// poll is one full reading of a target.
type poll struct {
	by string // the replica's agent
	at time.Time
}

var (
	errNotRead  = errors.New("it was not read")
	errNotThere = errors.New("it is not there")
)

// polls are the full readings of a target since the simulator forgot its requests, oldest first: what asks for the table
// of everything on PVE, and for the status of the host on PBS.
func (f *fleet) polls(target string) []poll {
	f.t.Helper()
	return f.pollsSince(target, time.Time{})
}

// pollsSince are those of polls that came after a moment.
func (f *fleet) pollsSince(target string, after time.Time) []poll {
	f.t.Helper()
	requests, err := f.sim.RequestsSince(f.t.Context(), target, after)
	require.NoError(f.t, err)
	var polls []poll
	for _, r := range requests {
		full := r.Pattern == "/cluster/resources" || r.Pattern == "/nodes/localhost/status"
		if full && r.Method == http.MethodGet && r.Status == http.StatusOK {
			polls = append(polls, poll{by: r.Agent, at: r.At})
		}
	}
	return polls
}

// reader is the replica that read a target last.
func (f *fleet) reader(target string) int {
	f.t.Helper()
	var last poll
	f.until("a reading", func() error {
		polls := f.polls(target)
		if len(polls) == 0 {
			return errNotRead
		}
		last = polls[len(polls)-1]
		return nil
	})
	for i := range built {
		if last.by == agentOf(i) {
			return i
		}
	}
	require.FailNow(f.t, "read by no replica", last.by)
	return 0
}

// clusterNames are the targets that are clusters.
func (f *fleet) clusterNames() []string {
	var names []string
	for _, c := range f.sim.Estate.Clusters {
		names = append(names, c.Name)
	}
	return names
}

// targetNames are all targets.
func (f *fleet) targetNames() []string {
	names := f.clusterNames()
	for _, b := range f.sim.Estate.BackupServers {
		names = append(names, b.Name)
	}
	return names
}

// pollsOfAll are the full readings of all targets, by target.
func (f *fleet) pollsOfAll() map[string][]poll {
	f.t.Helper()
	all := map[string][]poll{}
	for _, target := range f.targetNames() {
		all[target] = f.polls(target)
	}
	return all
}

// forget starts the simulator's list of requests afresh.
func (f *fleet) forget() {
	f.t.Helper()
	require.NoError(f.t, f.sim.Forget(f.t.Context()))
}

// awaitPolls waits until each target was read so many times since the simulator forgot its requests.
func (f *fleet) awaitPolls(count int) map[string][]poll {
	f.t.Helper()
	for _, target := range f.targetNames() {
		f.until(fmt.Sprintf("%d readings of %s", count, target), func() error {
			counts, err := f.sim.Counts(f.t.Context(), target)
			if n := counts["GET /cluster/resources"] + counts["GET /nodes/localhost/status"]; err == nil && n < count {
				err = fmt.Errorf("there are %d", n)
			}
			return err
		})
	}
	return f.pollsOfAll()
}

// shares are the parts of all readings that were made by each agent.
func shares(all map[string][]poll) map[string]float64 {
	counts, total := map[string]float64{}, 0.0
	for _, polls := range all {
		for _, p := range polls {
			counts[p.by]++
			total++
		}
	}
	for agent := range counts {
		counts[agent] /= total
	}
	return counts
}

// fair is an error unless each of the replicas made its part of the readings.
func fair(all map[string][]poll, replicas []int, least, most float64) error {
	found := shares(all)
	for _, i := range replicas {
		if share := found[agentOf(i)]; share < least || share > most {
			return fmt.Errorf("the shares are %v", found)
		}
	}
	return nil
}

// awaitFair waits until the replicas share the readings of one cycle about evenly.
func (f *fleet) awaitFair(replicas ...int) {
	f.t.Helper()
	even := 1 / float64(len(replicas))
	f.until("fair shares", func() error {
		f.forget()
		return fair(f.awaitPolls(1), replicas, even*0.7, even*1.3)
	})
}

// within counts the readings between two moments.
func within(polls []poll, after, until time.Time) int {
	n := 0
	for _, p := range polls {
		if p.at.After(after) && p.at.Before(until) {
			n++
		}
	}
	return n
}

// cyclesWithin is how many cycles passed between two moments: how often three in four targets were read at most, so
// that a slow machine has slow cycles.
func cyclesWithin(all map[string][]poll, after, until time.Time) int {
	var counts []int
	for _, polls := range all {
		counts = append(counts, within(polls, after, until))
	}
	slices.Sort(counts)
	return counts[len(counts)*3/4]
}
