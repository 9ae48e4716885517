package collect

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// guestNeed is what a guest should be asked, and how much it wants it: 1 is just due, and what was never read is endless.
type guestNeed struct {
	read  read
	level float64
}

const neverRead = 1e12

// fillGuests asks guests that were never read in their present run, one per node.
func (p *planner) fillGuests() {
	for node, n := range p.neediest() {
		if n.level >= neverRead {
			p.add(n.read, false)
			p.busy[node] = true
		}
	}
}

// nextGuest returns the guest that wants most to be read, and how urgently guests want a turn.
func (p *planner) nextGuest() (read, float64) {
	var best guestNeed
	for _, n := range p.neediest() {
		if n.level > best.level || n.level == best.level && n.read.vmid < best.read.vmid {
			best = n
		}
	}
	if best.read.vmid == 0 {
		return read{}, 0
	}
	return best.read, p.need(noteGuestTurn, guestTurn)
}

// neediest returns, for each node whose privileged daemon may be asked now, the guest that wants it most.
func (p *planner) neediest() map[string]guestNeed {
	free := make(map[string]guestNeed)
	for i := range p.obs.Nodes {
		node := &p.obs.Nodes[i]
		if node.Status == estate.NodeOnline && !p.busy[node.Name] &&
			p.now.Sub(p.notes.get(noteProtected+node.Name)) >= protectedEvery {
			free[node.Name] = guestNeed{}
		}
	}
	if len(free) == 0 {
		return nil
	}
	agents := !lacks(p.obs.Permissions, privilegeAgent, privilegeAgentUntil)
	for i := range p.obs.Guests {
		g := &p.obs.Guests[i]
		best, ok := free[g.Node]
		if !ok || g.Lock == "backup" {
			continue
		}
		if n := p.guestNeed(g, agents); n.level > best.level {
			free[g.Node] = n
		}
	}
	for name, n := range free {
		if n.read.vmid == 0 {
			delete(free, name)
		}
	}
	return free
}

// guestNeed decides between a guest's status and its agent.
func (p *planner) guestNeed(g *estate.Guest, agents bool) guestNeed {
	n := guestNeed{read: read{kind: readGuest, node: g.Node, vmid: g.VMID}, level: p.statusNeed(g)}
	if agents {
		if level := p.agentNeed(g); level > n.level {
			return guestNeed{read: read{kind: readAgent, node: g.Node, vmid: g.VMID}, level: level}
		}
	}
	return n
}

// statusNeed is about a guest's own status: of a running VM for its balloon, of any other only while its name is unknown.
func (p *planner) statusNeed(g *estate.Guest) float64 {
	if failed := p.failedGuests[g.VMID]; p.now.Sub(failed) < guestRetry {
		return 0
	}
	if g.Name == "" {
		return neverRead
	}
	if !p.collect.VMs || g.Kind != estate.VM || g.Status != estate.GuestRunning {
		return 0
	}
	if g.Balloon == nil || g.Balloon.At.Before(p.started(g)) {
		return neverRead
	}
	return p.level(g.Balloon.At, balloonEvery)
}

// agentNeed is about the agent inside a running VM whose status said that there is one.
func (p *planner) agentNeed(g *estate.Guest) float64 {
	if g.Kind != estate.VM || g.Status != estate.GuestRunning || g.Balloon == nil {
		return 0
	}
	if failing := p.failedAgents[g.VMID]; !failing.IsZero() {
		return p.failingAgentNeed(g, failing)
	}
	switch {
	case g.Filesystems == nil:
		if p.now.Before(p.started(g).Add(agentStart)) {
			return 0
		}
		return neverRead
	case g.Filesystems.Reason == reasonAgentOff:
		return 0
	}
	return p.level(g.Filesystems.At, agentEvery)
}

// failingAgentNeed backs off from an agent as long as it has been failing. A VM that was started again gets a new chance.
func (p *planner) failingAgentNeed(g *estate.Guest, failing time.Time) float64 {
	last := failing
	if g.Filesystems != nil && g.Filesystems.At.After(last) {
		last = g.Filesystems.At
	}
	wait := min(max(last.Sub(failing), agentRetry), agentRetryMax)
	if ready := p.started(g).Add(agentStart); last.Before(ready) && p.now.After(ready) {
		wait = agentRetry
	}
	return p.level(last, wait)
}

// level is how overdue something is: 0 until it is due.
func (p *planner) level(last time.Time, every time.Duration) float64 {
	if !p.due(last, every) {
		return 0
	}
	return float64(p.now.Sub(last)) / float64(every)
}

// started is when the guest's present run began; zero when that is unknown.
func (p *planner) started(g *estate.Guest) time.Time {
	uptime, known := g.UptimeSeconds.Get()
	if !known || g.Seen.Advanced.IsZero() || uptime > maxUptime {
		return time.Time{}
	}
	return g.Seen.Advanced.Add(-time.Duration(uptime) * time.Second)
}

// maxUptime keeps absurd uptimes from overflowing a duration.
const maxUptime = 1 << 32
