package wire

import (
	"bytes"
	"math"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// holding is a target with its rows. The rows of nodes, guests and storages lie beside the observation's own lists,
// one for one. Everything in a published holding is immutable.
type holding struct {
	target   Target
	obs      *estate.Observation
	nodes    []row
	guests   []row
	storages []row
	server   *row // of a PBS
	entry    row  // in `targets`, whole
	healthy  bool // in `connectionHealth`

	words       connectionWords
	serverWords string
	arena       arena
	due         time.Time // when the next row grows stale or unknown without being read; zero for never
}

// pass encodes one target's observation as of one time.
type pass struct {
	target *Target
	obs    *estate.Observation
	now    time.Time
	conn   Connection
	told   estate.Freshness // of what the target says in each reply
	remain time.Duration    // until the next row grows stale or unknown

	stranded map[string]estate.Freshness // by node that is offline, see strand

	old  *holding // what may be reused; nil for nothing
	next *holding

	// Bytes, by estimate, of the rows that must still be put into the arena, and of those that stay as they are.
	dirty, clean int

	idPrefix, uidPrefix string // of guests

	changed bool // something of what clients see
	words   bool // something of it that is not a mere number
}

const never = time.Duration(math.MaxInt64)

// encode makes the holding that follows old, which is nil for a new target. The result is in next.
func encode(old *holding, t Target, o *estate.Observation, now time.Time, w *writer) *pass {
	p := &pass{target: &t, obs: o, now: now, remain: never, old: old, next: &holding{target: t, obs: o}}
	if old == nil || old.target != t {
		p.old, p.changed, p.words = nil, true, true
	}
	p.told = p.judge(estate.Seen{At: o.Poll.LastSuccess})
	p.conn = judgeConnection(o.Poll, p.told)
	p.strand()
	p.idPrefix = `{"id":"` + string(appendInner(nil, t.Slug+"-"))
	p.uidPrefix = `,"uid":"` + string(appendInner(nil, string(t.ID))) + "/guest/"
	p.encodeRows(w)
	if p.remain != never {
		p.next.due = now.Add(p.remain + 1)
	}
	return p
}

// judge returns a reading's freshness and remembers when it will be another one.
func (p *pass) judge(s estate.Seen) estate.Freshness {
	h := p.target.Horizon
	fresh := h.Judge(s, p.now)
	if s.At.IsZero() || fresh == estate.Unknown {
		return fresh
	}
	age := p.now.Sub(observedAt(s))
	limit := h.Live
	if fresh == estate.Stale {
		limit = h.Stale
	}
	p.remain = min(p.remain, limit-age)
	return fresh
}

func (p *pass) encodeRows(w *writer) {
	var old holding
	oldObs := &estate.Observation{}
	if p.old != nil {
		old, oldObs = *p.old, p.old.obs
	}
	nodes, guests, storages := p.specs()
	next := p.next
	next.nodes = plan(p, &nodes, oldObs.Nodes, old.nodes, p.obs.Nodes)
	next.guests = plan(p, &guests, oldObs.Guests, old.guests, p.obs.Guests)
	next.storages = plan(p, &storages, oldObs.Storages, old.storages, p.obs.Storages)
	move := p.openArena(old.arena)
	fill(p, w, &nodes, p.obs.Nodes, next.nodes, move)
	fill(p, w, &guests, p.obs.Guests, next.guests, move)
	fill(p, w, &storages, p.obs.Storages, next.storages, move)
	p.encodeEntry(w, &old)
	p.encodeServer(w, &old)
}

func (p *pass) specs() (spec[estate.Node], spec[estate.Guest], spec[estate.Storage]) {
	return spec[estate.Node]{
		compare: compareNodes, seen: func(n *estate.Node) estate.Seen { return n.Seen }, trust: p.nodeTrust,
		sameWords: sameNodeWords, sameNumbers: sameNodeNumbers,
		health: p.nodeHealth, append: p.node,
	}, spec[estate.Guest]{
		compare: compareGuests, seen: func(g *estate.Guest) estate.Seen { return g.Seen },
		trust: func(g *estate.Guest, fresh estate.Freshness) (numbers, status estate.Freshness) {
			return p.trustOn(g.Node, fresh)
		},
		sameWords: sameGuestWords, sameNumbers: sameGuestNumbers, append: p.guest,
	}, spec[estate.Storage]{
		compare: compareStorages, seen: func(s *estate.Storage) estate.Seen { return s.Seen },
		trust: func(s *estate.Storage, fresh estate.Freshness) (numbers, status estate.Freshness) {
			return p.trustOn(s.Node, fresh)
		},
		sameWords: sameStorageWords, sameNumbers: sameStorageNumbers, append: p.storage,
	}
}

func (p *pass) encodeEntry(w *writer, old *holding) {
	w.reset()
	p.next.words = p.connectionRow(w)
	p.next.healthy = p.conn.reached()
	if bytes.Equal(w.buf, old.entry.body) {
		p.next.entry = old.entry
		return
	}
	p.changed = true
	p.words = p.words || p.next.words != old.words
	p.next.entry = row{body: bytes.Clone(w.buf)}
}

func (p *pass) encodeServer(w *writer, old *holding) {
	if p.target.ID.Kind() != estate.PBS {
		return
	}
	server := p.obs.Server
	if server == nil {
		server = &estate.Server{}
	}
	w.reset()
	next := row{seen: nanos(server.Seen.At), fresh: p.judge(server.Seen)}
	p.next.serverWords = p.server(w, server, next.fresh)
	if old.server == nil || p.next.serverWords != old.serverWords {
		p.words = true
	}
	if old.server != nil && bytes.Equal(w.buf, old.server.body) {
		next.body = old.server.body
	} else {
		next.body = bytes.Clone(w.buf)
	}
	if old.server == nil || next.seen != old.server.seen || !bytes.Equal(next.body, old.server.body) {
		p.changed = true
	}
	p.next.server = &next
}
