package collect

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

// How often each slow reading is due, when there is room for it.
const (
	statusEvery      = time.Minute
	detailEvery      = time.Minute
	storagesEvery    = 5 * time.Minute
	balloonEvery     = 5 * time.Minute
	agentEvery       = 15 * time.Minute
	membersEvery     = time.Hour
	permissionsEvery = time.Hour
	missingEvery     = 5 * time.Minute // permissions, while one is missing
	forbiddenEvery   = time.Hour       // what was refused for want of a privilege

	agentRetry    = 10 * time.Minute // at first, then as long as it has been failing
	agentRetryMax = 6 * time.Hour
	guestRetry    = 10 * time.Minute

	// agentStart is how long a VM may take until its agent runs.
	agentStart = time.Minute
)

const (
	// readCost is how much time each slow request uses up: a little more than the ten seconds that one may take on average.
	readCost = 11 * time.Second
	// maxBurst is how much time may be saved up.
	maxBurst = time.Minute
	// maxDebt is more than urgent readings ever run up; beyond it the clock was set back.
	maxDebt = time.Hour
	// protectedEvery is how often a node's privileged daemon may be asked.
	protectedEvery = 10 * time.Second
	// The shares of the rotations in what the budget leaves: a node's detail, and guests, which are more.
	nodeTurn  = 30 * time.Second
	guestTurn = 15 * time.Second
)

// readKind is what a slow reading reads.
type readKind int

const (
	readClusterStatus readKind = iota
	readStorages
	readMembers
	readPermissions
	readDetail
	readGuest
	readAgent
)

// requests is how many requests a reading makes.
func (k readKind) requests() int {
	if k == readMembers {
		return 4
	}
	return 1
}

// read is a slow reading to be made now.
type read struct {
	kind readKind
	name string // of its note, where it is not about a node or guest
	node string // of readDetail, readGuest and readAgent
	vmid int
	last time.Time // when it was tried before; zero for guests
}

// subject names what is read; empty for guests, which carry their own times.
func (r read) subject() string {
	if r.kind == readDetail {
		return noteNode + r.node
	}
	return r.name
}

// triggers are what made slow readings urgent in this pass.
type triggers struct {
	nodes    []string // details to be read at once
	status   bool     // a node went offline: is the member asked still in the majority?
	members  bool     // the client knows none
	storages bool     // other storages than before
	rights   bool     // something shows that was hidden
}

// planner decides which slow readings to make in a pass. It is pure: everything it goes by is in the observation.
//
// Whatever was never read is read at once, guests as fast as one request per node and ten seconds allows. From then on a
// budget holds all slow readings of the target together below one request in ten seconds. The fixed readings come first:
// together they need a quarter of it. The rest is shared by two rotations, nodes and guests, each taking what has waited
// longest in proportion to how often it is wanted, so that nothing waits for ever.
type planner struct {
	obs      *estate.Observation
	notes    *notes
	now      time.Time
	interval time.Duration
	triggers triggers
	collect  config.Collect

	paid  time.Time // up to when earlier readings have used the budget
	reads []read
	busy  map[string]bool // nodes whose privileged daemon is asked in this pass
	// since when, or when last, guests and agents failed, by VMID
	failedGuests, failedAgents map[int]time.Time
}

func (p *planner) run() []read {
	p.busy = make(map[string]bool)
	p.paid = p.notes.get(noteBudget)
	if oldest := p.now.Add(-min(p.interval, maxBurst) - readCost); p.paid.Before(oldest) || p.paid.After(p.now.Add(maxDebt)) {
		p.paid = oldest
	}
	p.failedGuests, p.failedAgents = p.notes.failures()
	p.fixed()
	p.details()
	p.fillGuests()
	p.rotate()
	p.notes.set(noteBudget, p.paid)
	return p.reads
}

// add makes a reading part of the pass.
func (p *planner) add(r read, paid bool) {
	if subject := r.subject(); subject != "" {
		r.last = p.notes.get(subject)
	}
	p.reads = append(p.reads, r)
	if paid {
		p.paid = p.paid.Add(time.Duration(r.kind.requests()) * readCost)
	}
	switch r.kind {
	case readGuest, readAgent:
		p.busy[r.node] = true
		p.notes.set(noteProtected+r.node, p.now)
	default:
		p.notes.set(r.subject(), p.now)
	}
}

// affords tells whether the budget has room.
func (p *planner) affords() bool { return !p.paid.Add(readCost).After(p.now) }

// due tells whether something last done at a time is to be done again. Half a cycle early is better than half one late.
// A time ahead of now is from a clock that was set back, and means nothing.
func (p *planner) due(last time.Time, every time.Duration) bool {
	return isDue(p.now, last, every, p.interval)
}

func isDue(now, last time.Time, every, interval time.Duration) bool {
	return last.After(now) || now.Sub(last) >= every-min(interval, every)/2
}

func (p *planner) fixed() {
	for _, f := range []struct {
		kind   readKind
		name   string
		every  time.Duration
		urgent bool
	}{
		{readClusterStatus, noteClusterStatus, statusEvery, p.triggers.status},
		{readStorages, noteStorages, storagesEvery, p.triggers.storages},
		{readMembers, noteMembers, membersEvery, p.triggers.members},
		{readPermissions, notePermissions, p.rightsEvery(), p.triggers.rights},
	} {
		if f.kind == readStorages && !p.collect.Storage {
			continue
		}
		last, every := p.notes.get(f.name), f.every
		if p.notes.has(noteForbidden + f.name) {
			every = max(every, forbiddenEvery)
		}
		switch r := (read{kind: f.kind, name: f.name}); {
		case last.IsZero():
			p.add(r, false)
		case f.kind == readClusterStatus && p.lonely():
			p.add(r, false) // that there is a quorum again must show at once, and rotations need not wait longer for it
		case f.urgent && !p.notes.has(noteForbidden+f.name):
			p.add(r, true)
		case p.due(last, every) && p.affords():
			p.add(r, true)
		}
	}
}

// lonely tells that there was no quorum when it was last looked.
func (p *planner) lonely() bool {
	quorate, known := p.obs.Cluster.Quorate.Get()
	return known && !quorate && !p.notes.has(noteForbidden+noteClusterStatus)
}

// rightsEvery is shorter while something is missing, so that granting it shows soon.
func (p *planner) rightsEvery() time.Duration {
	if len(p.obs.Permissions.Missing) > 0 {
		return missingEvery
	}
	return permissionsEvery
}

// details reads the nodes that were never read, and those that came online or started again.
func (p *planner) details() {
	if p.hostsHidden() {
		return
	}
	for i := range p.obs.Nodes {
		node := &p.obs.Nodes[i]
		if node.Status == estate.NodeOnline && !p.notes.has(noteNode+node.Name) {
			p.add(read{kind: readDetail, node: node.Name}, false)
		}
	}
	for _, name := range p.triggers.nodes {
		if !p.notes.get(noteNode + name).Equal(p.now) {
			p.add(read{kind: readDetail, node: name}, true)
		}
	}
}

// hostsHidden tells whether the details of nodes are known to be refused.
func (p *planner) hostsHidden() bool {
	for _, m := range p.obs.Permissions.Missing {
		if m.Privilege == privilegeHosts && m.Path == "/nodes" {
			return true
		}
	}
	return false
}

// rotate spends what the budget has left.
func (p *planner) rotate() {
	for p.affords() {
		node, nodeNeed := p.nextDetail()
		guest, guestNeed := p.nextGuest()
		if node.node == "" && guest.vmid == 0 {
			return
		}
		if guest.vmid == 0 || node.node != "" && nodeNeed >= guestNeed {
			p.notes.set(noteNodeTurn, p.now)
			p.add(node, true)
			continue
		}
		p.notes.set(noteGuestTurn, p.now)
		p.add(guest, true)
	}
}

// nextDetail returns the node whose detail is oldest, and how urgently nodes want a turn.
func (p *planner) nextDetail() (read, float64) {
	var oldest *estate.Node
	var since time.Time
	if p.hostsHidden() {
		return read{}, 0
	}
	for i := range p.obs.Nodes {
		node := &p.obs.Nodes[i]
		last, every := p.notes.get(noteNode+node.Name), detailEvery
		if p.notes.has(noteForbidden + noteNode + node.Name) {
			every = forbiddenEvery
		}
		if node.Status == estate.NodeOnline && p.due(last, every) && (oldest == nil || last.Before(since)) {
			oldest, since = node, last
		}
	}
	if oldest == nil {
		return read{}, 0
	}
	return read{kind: readDetail, node: oldest.Name}, p.need(noteNodeTurn, nodeTurn)
}

// need is how long a rotation has waited for its turn, in turns.
func (p *planner) need(turn string, every time.Duration) float64 {
	return float64(p.now.Sub(p.notes.get(turn))) / float64(every)
}
