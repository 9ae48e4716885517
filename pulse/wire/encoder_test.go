package wire

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// copied returns an observation that may be changed without touching the other.
func copied(o *estate.Observation) *estate.Observation {
	c := *o
	c.Nodes, c.Guests, c.Storages = slices.Clone(o.Nodes), slices.Clone(o.Guests), slices.Clone(o.Storages)
	if o.Server != nil {
		server := *o.Server
		server.Datastores = slices.Clone(server.Datastores)
		c.Server = &server
	}
	return &c
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	later := estate.Seen{At: testNow.Add(time.Second), Advanced: testNow.Add(time.Second)}
	const same, numbers, words = 0, 1, 2
	tests := []struct {
		name   string
		change func(t *Target, o *estate.Observation)
		want   int
	}{
		{"nothing", func(*Target, *estate.Observation) {}, same},
		{"what the collector keeps for itself", func(_ *Target, o *estate.Observation) {
			o.Guests[0].Base.NetIn.Value, o.Poll.Requests = 7, 9
		}, same},
		{"guest's CPU", func(_ *Target, o *estate.Observation) { o.Guests[0].CPUFraction = some(0.75) }, numbers},
		{"node's memory", func(_ *Target, o *estate.Observation) { o.Nodes[0].MemUsedBytes = some[int64](5) }, numbers},
		{"storage's use", func(_ *Target, o *estate.Observation) { o.Storages[0].UsedBytes = some[int64](5) }, numbers},
		{"guest seen again", func(_ *Target, o *estate.Observation) { o.Guests[0].Seen = later }, numbers},
		{"pass ended", func(_ *Target, o *estate.Observation) { o.Poll.LastSuccess = later.At }, numbers},
		{"guest stopped", func(_ *Target, o *estate.Observation) { o.Guests[0].Status = "stopped" }, words},
		{"guest renamed", func(_ *Target, o *estate.Observation) { o.Guests[0].Name = "other" }, words},
		{"guest migrated", func(_ *Target, o *estate.Observation) { o.Guests[0].Node = "pve2" }, words},
		{"guest locked", func(_ *Target, o *estate.Observation) { o.Guests[0].Lock = "backup" }, words},
		{"guest vanished", func(_ *Target, o *estate.Observation) { o.Guests = o.Guests[:1] }, words},
		{"guest appeared", func(_ *Target, o *estate.Observation) { o.Guests = append(o.Guests, runningVM(300)) }, words},
		{"guest replaced by another", func(_ *Target, o *estate.Observation) { o.Guests[1].VMID = 300 }, words},
		{"VMID given to another guest", func(_ *Target, o *estate.Observation) { o.Guests[1].Generation++ }, words},
		{"guest's reading grew old", func(_ *Target, o *estate.Observation) { o.Guests[0].Seen = agedSeen(time.Minute) }, words},
		{"node offline", func(_ *Target, o *estate.Observation) { o.Nodes[1].Status = "offline" }, words},
		{"node in maintenance", func(_ *Target, o *estate.Observation) { o.Nodes[1].HAState = "maintenance" }, words},
		{"storage inactive", func(_ *Target, o *estate.Observation) { o.Storages[0].Active = false }, words},
		{"quorum lost", func(_ *Target, o *estate.Observation) { o.Cluster.Quorate = some(false) }, words},
		{"target fails", func(_ *Target, o *estate.Observation) { o.Poll.Reason = estate.ReasonTimeout }, words},
		{"member does not answer", func(_ *Target, o *estate.Observation) { o.Poll.Unreachable = []string{"pve2"} }, words},
		{"target renamed", func(t *Target, _ *estate.Observation) { t.Name = "other" }, words},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target, base := pveTarget(0, "clu"), cluster(runningVM(100), runningVM(200))
			requireRevision(t, target, base, tt.change, tt.want)
		})
	}
}

func TestRevisionsOfServers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(t *Target, o *estate.Observation)
		want   int
	}{
		{"nothing", func(*Target, *estate.Observation) {}, 0},
		{"seen again", func(_ *Target, o *estate.Observation) { o.Server.Seen.At = testNow.Add(time.Second) }, 1},
		{"CPU", func(_ *Target, o *estate.Observation) { o.Server.CPUFraction = some(0.75) }, 1},
		{"datastore's use", func(_ *Target, o *estate.Observation) { o.Server.Datastores[0].UsedBytes = some[int64](5) }, 1},
		{"datastore renamed", func(_ *Target, o *estate.Observation) { o.Server.Datastores[0].Name = "other" }, 2},
		{"datastore gone", func(_ *Target, o *estate.Observation) { o.Server.Datastores = nil }, 2},
		{"maintenance", func(_ *Target, o *estate.Observation) { o.Server.Datastores[0].Maintenance = "offline" }, 2},
		{"fails", func(_ *Target, o *estate.Observation) { o.Poll.Reason = estate.ReasonTimeout }, 2},
		{"upgraded", func(_ *Target, o *estate.Observation) { o.Server.Version = "4.0.1" }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requireRevision(t, pbsTarget(0, "pbs1"), capturedServer(), tt.change, tt.want)
		})
	}
}

// requireRevision wants no new revision (0), one of numbers (1), or one of words (2).
func requireRevision(t *testing.T, target Target, base *estate.Observation, change func(*Target, *estate.Observation), want int) {
	t.Helper()
	e := NewEncoder()
	e.Update(target, base, testNow)
	first := e.Publish(testNow, Stats{})
	next := copied(base)
	change(&target, next)
	e.Update(target, next, testNow)
	second := e.Publish(testNow.Add(time.Second), Stats{PollingCycles: 1})
	if want == 0 {
		require.Same(t, first, second)
		return
	}
	require.Greater(t, second.Revision, first.Revision)
	require.Equal(t, want == 2, second.StatusRevision > first.StatusRevision)
	require.Equal(t, testNow.Add(time.Second), second.At)
	require.NotEqual(t, first.State().ETag(), second.State().ETag())
	require.Same(t, second, e.Publish(testNow.Add(2*time.Second), Stats{}))
}

func TestEmptyStateIsRevisionOne(t *testing.T) {
	t.Parallel()
	e := NewEncoder()
	s := e.Publish(testNow, Stats{})
	require.EqualValues(t, 1, s.Revision)
	require.EqualValues(t, 1, s.StatusRevision)
	require.Same(t, s, e.Publish(testNow, Stats{PollingCycles: 5}), "stats alone make no revision")
	e.Remove("pve-7")
	require.Same(t, s, e.Publish(testNow, Stats{}), "nor does the removal of what is not there")
}

func TestAddedAndRemovedTargetsMakeARevision(t *testing.T) {
	t.Parallel()
	e := NewEncoder()
	empty := e.Publish(testNow, Stats{})
	e.Update(pveTarget(0, "clu"), nil, testNow)
	added := e.Publish(testNow, Stats{})
	require.Greater(t, added.StatusRevision, empty.StatusRevision)
	require.Equal(t, "pending", rows(t, added.State(), "targets")[0]["status"])
	e.Remove("pve-0")
	removed := e.Publish(testNow, Stats{})
	require.Greater(t, removed.StatusRevision, added.StatusRevision)
	require.Empty(t, rows(t, removed.State(), "targets"))
}

// A target that hangs is not updated, and yet what it said grows old.
func TestPublishLetsReadingsGrowOld(t *testing.T) {
	t.Parallel()
	e := NewEncoder()
	e.Update(pveTarget(0, "clu"), cluster(runningVM(100)), testNow)
	last := e.Publish(testNow, Stats{})
	for _, step := range []struct {
		after             time.Duration
		status, freshness string
	}{
		{testHorizon.Live, "running", "live"},
		{testHorizon.Live + 1, "running", "stale"},
		{testHorizon.Stale, "running", "stale"},
		{testHorizon.Stale + 1, "unknown", "unknown"},
		{24 * time.Hour, "unknown", "unknown"},
	} {
		s := e.Publish(testNow.Add(step.after), Stats{})
		row := rows(t, s.State(), "vms")[0]
		require.Equal(t, step.status, row["status"], step.after)
		require.Equal(t, step.freshness, row["freshness"], step.after)
		before := rows(t, last.State(), "vms")[0]["freshness"]
		require.Equal(t, before != step.freshness, s.StatusRevision > last.StatusRevision, step.after)
		last = s
	}
	require.Equal(t, object{"clu": false}, decode(t, last.State().Plain())["connectionHealth"])
}

// However rows change, a target keeps not much more memory than its rows need.
func TestArenaHoldsLittleMoreThanTheRows(t *testing.T) {
	t.Parallel()
	var guests []estate.Guest
	for i := range 500 {
		guests = append(guests, runningVM(100+i))
	}
	o, target := cluster(guests...), pveTarget(0, "clu")
	e := NewEncoder()
	for round := range 60 {
		o = copied(o)
		for i := round % 7; i < len(o.Guests); i += 1 + round%20 {
			o.Guests[i].CPUFraction = some(float64(round) / 60)
		}
		e.Update(target, o, testNow)
		h, live := e.targets[target.ID], 0
		for _, list := range [][]row{h.nodes, h.guests, h.storages} {
			for i := range list {
				live += len(list[i].body)
			}
		}
		require.LessOrEqual(t, h.arena.held, live*7/4+maxSlab, "round %d", round)
	}
}

func TestUnchangedRowsAreReused(t *testing.T) {
	t.Parallel()
	var guests []estate.Guest
	for i := range 100 {
		guests = append(guests, runningVM(100+i))
	}
	o, target := cluster(guests...), pveTarget(0, "clu")
	e := NewEncoder()
	e.Update(target, o, testNow)
	before := e.targets[target.ID].guests
	o = copied(o)
	o.Guests[7].CPUFraction = some(0.75)
	e.Update(target, o, testNow)
	for i, r := range e.targets[target.ID].guests {
		require.Equal(t, i != 7, &r.body[0] == &before[i].body[0], fmt.Sprint(i))
	}
}
