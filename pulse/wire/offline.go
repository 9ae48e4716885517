package wire

import "github.com/proxpulse/proxpulse/pulse/estate"

// A node that is offline sends nothing, yet the other members tell in each reply that it is offline. How far its status
// may be believed is therefore apart from how old its numbers are. Of what was on it nobody tells anything.

// lonely tells that the members that answer are without quorum: they see the others offline, wherever these are.
func (p *pass) lonely() bool {
	quorate, known := p.obs.Cluster.Quorate.Get()
	return known && !quorate
}

// nodeTrust returns how far a node's numbers and its status speak of the present, from how old the numbers are.
func (p *pass) nodeTrust(n *estate.Node, fresh estate.Freshness) (numbers, status estate.Freshness) {
	switch {
	case n.Status != estate.NodeOffline:
		return fresh, fresh
	case p.lonely():
		return notLive(fresh), notLive(fresh)
	default:
		return fresh, p.told
	}
}

// strand notes which nodes are offline, and how far the status of the things on them may still be believed: until it
// would count as stale had nobody told that the node is offline.
func (p *pass) strand() {
	for i := range p.obs.Nodes {
		n := &p.obs.Nodes[i]
		if n.Status != estate.NodeOffline {
			continue
		}
		if p.stranded == nil {
			p.stranded = make(map[string]estate.Freshness)
		}
		p.stranded[n.Name] = estate.Unknown
		if p.judge(estate.Seen{At: n.Seen.At}) == estate.Live {
			p.stranded[n.Name] = estate.Stale
		}
	}
}

// trustOn is the same for what is on a node: once that is offline it is at best stale.
func (p *pass) trustOn(node string, fresh estate.Freshness) (numbers, status estate.Freshness) {
	limit, ok := p.stranded[node]
	if !ok {
		return fresh, fresh
	}
	if numbers = notLive(fresh); numbers == estate.Unknown {
		return numbers, estate.Unknown
	}
	return numbers, limit
}

func notLive(fresh estate.Freshness) estate.Freshness {
	if fresh == estate.Live {
		return estate.Stale
	}
	return fresh
}
