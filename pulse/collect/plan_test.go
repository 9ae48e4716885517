package collect

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// bench is a target for the planner alone: it answers every reading at once and remembers when.
type bench struct {
	obs      estate.Observation
	notes    notes
	now      time.Time
	interval time.Duration
	begun    time.Time
	read     map[string][]time.Time
}

func newBench(nodes, guests int, interval time.Duration) *bench {
	b := &bench{now: start(), begun: start(), interval: interval, read: map[string][]time.Time{}}
	for n := range nodes {
		b.obs.Nodes = append(b.obs.Nodes, estate.Node{Name: fmt.Sprintf("n%02d", n), Status: estate.NodeOnline})
	}
	for i := range guests {
		b.obs.Guests = append(b.obs.Guests, estate.Guest{
			VMID: 100 + i, Kind: estate.VM, Name: "g", Status: estate.GuestRunning, Node: b.obs.Nodes[i%nodes].Name,
		})
	}
	return b
}

// cycle plans one pass and pretends that every reading worked.
func (b *bench) cycle(trigger triggers) []read {
	for i := range b.obs.Guests {
		g := &b.obs.Guests[i]
		g.UptimeSeconds = estate.Some(int64(b.now.Sub(b.begun)/time.Second) + 86400)
		g.Seen = estate.Seen{At: b.now, Advanced: b.now}
	}
	p := planner{obs: &b.obs, notes: &b.notes, now: b.now, interval: b.interval, triggers: trigger, collect: all()}
	reads := p.run()
	for _, r := range reads {
		key := r.name
		switch r.kind {
		case readDetail:
			key = "detail " + r.node
		case readGuest:
			key = "guest " + itoa(r.vmid)
			findGuest(b.obs.Guests, r.vmid).Balloon = &estate.Balloon{At: b.now}
		case readAgent:
			key = "agent " + itoa(r.vmid)
			findGuest(b.obs.Guests, r.vmid).Filesystems = &estate.Filesystems{At: b.now, List: []estate.Filesystem{{}}}
		}
		b.read[key] = append(b.read[key], b.now)
	}
	b.now = b.now.Add(b.interval)
	return reads
}

func cost(reads []read) int {
	n := 0
	for _, r := range reads {
		n += r.kind.requests()
	}
	return n
}

func TestPlanStaysBelowOneRequestInTenSeconds(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{2 * time.Second, 7 * time.Second, 10 * time.Second, time.Minute, time.Hour} {
		for _, nodes := range []int{1, 3, 9} {
			t.Run(fmt.Sprintf("%s with %d nodes", interval, nodes), func(t *testing.T) {
				t.Parallel()
				b := newBench(nodes, 20*nodes, interval)
				for filled := b.now.Add(max(30*time.Minute, 70*interval)); b.now.Before(filled); { // every guest was read once
					b.cycle(triggers{})
				}
				total, span := 0, max(2*time.Hour, 30*interval)
				for end := b.now.Add(span); b.now.Before(end); {
					total += cost(b.cycle(triggers{}))
				}
				require.Less(t, total, int(span/(10*time.Second)))
				require.Positive(t, total)
			})
		}
	}
}

// Nothing waits for ever: within a bound that follows from the number of things, each is read again and again.
func TestPlanStarvesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(5, 60, 10*time.Second)
	for range 9_000 { // a day
		b.cycle(triggers{})
	}
	longest := func(key string) time.Duration {
		times := append(b.read[key], b.now)
		gap := times[0].Sub(b.begun)
		for i := 1; i < len(times); i++ {
			gap = max(gap, times[i].Sub(times[i-1]))
		}
		return gap
	}
	require.LessOrEqual(t, longest(noteClusterStatus), 100*time.Second)
	require.LessOrEqual(t, longest(noteStorages), 6*time.Minute)
	require.LessOrEqual(t, longest(noteMembers), 62*time.Minute)
	require.LessOrEqual(t, longest(notePermissions), 62*time.Minute)
	for _, n := range b.obs.Nodes {
		require.LessOrEqual(t, longest("detail "+n.Name), 6*time.Minute, n.Name)
	}
	for _, g := range b.obs.Guests {
		require.LessOrEqual(t, longest("guest "+itoa(g.VMID)), 2*time.Hour, "%d", g.VMID)
		require.LessOrEqual(t, longest("agent "+itoa(g.VMID)), 4*time.Hour, "%d", g.VMID)
	}
}

func TestPlanAsksANodeAtMostOnceInTenSecondsForGuests(t *testing.T) {
	t.Parallel()
	b := newBench(3, 200, 2*time.Second)
	last := map[string]time.Time{}
	for range 2000 {
		now := b.now
		for _, r := range b.cycle(triggers{}) {
			if r.kind != readGuest && r.kind != readAgent {
				continue
			}
			if before, ok := last[r.node]; ok {
				require.GreaterOrEqual(t, now.Sub(before), protectedEvery)
			}
			last[r.node] = now
		}
	}
	require.Len(t, last, 3)
}

func TestPlanFirstPassReadsAllOnce(t *testing.T) {
	t.Parallel()
	b := newBench(4, 10, 10*time.Second)
	first := b.cycle(triggers{nodes: []string{"n00", "n01", "n02", "n03"}})
	kinds := map[readKind]int{}
	for _, r := range first {
		kinds[r.kind]++
	}
	require.Equal(t, map[readKind]int{
		readClusterStatus: 1, readStorages: 1, readMembers: 1, readPermissions: 1, readDetail: 4, readGuest: 4,
	}, kinds)
}

func TestPlanTriggersActAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(2, 0, 10*time.Second)
	b.cycle(triggers{})
	reads := b.cycle(triggers{nodes: []string{"n01"}, status: true, storages: true, rights: true})
	for i := range reads {
		require.Equal(t, start(), reads[i].last)
		reads[i].last = time.Time{}
	}
	require.ElementsMatch(t, []read{
		{kind: readDetail, node: "n01"},
		{kind: readClusterStatus, name: noteClusterStatus},
		{kind: readStorages, name: noteStorages},
		{kind: readPermissions, name: notePermissions},
	}, reads)
}

func TestPlanLeavesGuestsAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench, *estate.Guest){
		"locked by a backup": func(_ *bench, g *estate.Guest) { g.Lock = "backup" },
		"stopped":            func(_ *bench, g *estate.Guest) { g.Status = estate.GuestStopped },
		"container":          func(_ *bench, g *estate.Guest) { g.Kind = estate.Container },
		"on a node down":     func(b *bench, _ *estate.Guest) { b.obs.Nodes[0].Status = estate.NodeOffline },
		"failed lately":      func(b *bench, g *estate.Guest) { b.notes.set(guestNote(noteGuest, g.VMID), b.now) },
		"agent off": func(b *bench, g *estate.Guest) {
			g.Balloon, g.Filesystems = &estate.Balloon{At: b.now}, &estate.Filesystems{At: b.now, Reason: reasonAgentOff}
		},
		"agent forbidden": func(b *bench, g *estate.Guest) {
			g.Balloon = &estate.Balloon{At: b.now}
			b.obs.Permissions.Missing = []estate.Missing{{Privilege: privilegeAgent}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(1, 1, 10*time.Second)
			change(b, &b.obs.Guests[0])
			for range 10 {
				for _, r := range b.cycle(triggers{}) {
					require.NotEqual(t, readGuest, r.kind)
					require.NotEqual(t, readAgent, r.kind)
				}
			}
		})
	}
}

func TestPlanAsksANamelessGuestWhateverItIs(t *testing.T) {
	t.Parallel()
	b := newBench(1, 1, 10*time.Second)
	b.obs.Guests[0].Name, b.obs.Guests[0].Kind, b.obs.Guests[0].Status = "", estate.Container, estate.GuestUnknown
	require.Contains(t, b.cycle(triggers{}), read{kind: readGuest, node: "n00", vmid: 100})
}

func TestPlanSurvivesAClockSetBack(t *testing.T) {
	t.Parallel()
	b := newBench(2, 5, 10*time.Second)
	for range 100 {
		b.cycle(triggers{})
	}
	b.now = b.now.AddDate(-1, 0, 0)
	b.begun = b.now
	statuses := len(b.read[noteClusterStatus])
	for range 60 {
		b.cycle(triggers{})
	}
	require.Greater(t, len(b.read[noteClusterStatus]), statuses+5)
}

// However readings are triggered and passes are spaced, the budget is never overdrawn by more than what was urgent.
func TestPlanBudgetHoldsForAnySpacing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(rapid.IntRange(1, 6).Draw(t, "nodes"), rapid.IntRange(0, 10).Draw(t, "guests"), 10*time.Second)
		for range 300 {
			b.cycle(triggers{})
		}
		begin, total := b.now, 0
		for range 200 {
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "late")) * time.Second)
			total += cost(b.cycle(triggers{}))
		}
		allowed := int(b.now.Sub(begin)/readCost) + int(maxBurst/readCost) + readMembers.requests()
		require.LessOrEqual(t, total, allowed)
	})
}
