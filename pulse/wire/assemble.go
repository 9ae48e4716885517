package wire

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// What is assembled around rows: the brackets and the fields that every document or row gets.
const (
	rowOverhead   = len(`,"lastSeen":"2006-01-02T15:04:05.999999999Z"},`)
	stateOverhead = 2 << 10
	idOverhead    = len(`{"id":""`)
)

// assembler joins rows into a document. It keeps the last time it wrote: most rows of a target share theirs.
type assembler struct {
	writer
	seen   int64
	suffix []byte // lastSeen of seen, with the brace that closes the row
}

func (a *assembler) grow(n int) { a.buf = slices.Grow(a.buf, n) }

// row writes a row whose beginning is in its body, or was just written.
func (a *assembler) row(r *row) {
	a.buf = append(a.buf, r.body...)
	if r.seen != a.seen || a.suffix == nil {
		a.seen = r.seen
		a.suffix = append(appendTime(append(a.suffix[:0], `,"lastSeen":`...), fromNanos(r.seen)), '}')
	}
	a.buf = append(a.buf, a.suffix...)
}

func (a *assembler) comma(i int) {
	if i > 0 {
		a.buf = append(a.buf, ',')
	}
}

func (s *Snapshot) assembleState() []byte {
	a := &assembler{}
	a.grow(s.stateSize())
	a.raw(`{"nodes":[`)
	for i, at := range s.order.nodes {
		a.comma(i)
		a.row(&s.holdings[at.holding].nodes[at.index])
	}
	a.raw(`],"vms":[`)
	s.guests(a, s.order.vms)
	a.raw(`],"containers":[`)
	s.guests(a, s.order.containers)
	a.raw(`],"storage":`)
	s.storages(a, s.order.storages)
	a.raw(`,"pbs":[`)
	s.servers(a)
	a.raw(`],"pbsBackups":[],"metrics":[],` +
		`"pveBackups":{"backupTasks":[],"storageBackups":[],"guestSnapshots":[]}`)
	s.performance(a)
	s.connectionHealth(a)
	s.statistics(a)
	a.raw(`,"activeAlerts":[],"recentlyResolved":[]`)
	a.time(`,"lastUpdate":`, s.At)
	s.targets(a)
	a.raw("}")
	return a.buf
}

// stateSize is at least what the state document needs, and hardly more.
func (s *Snapshot) stateSize() int {
	size := stateOverhead
	for _, h := range s.holdings {
		size += len(h.entry.body) + 2*len(h.target.Name)
		for _, rows := range [][]row{h.nodes, h.guests, h.storages} {
			for i := range rows {
				size += len(rows[i].body) + rowOverhead
			}
		}
		if h.server != nil {
			size += len(h.server.body) + rowOverhead
		}
	}
	return size + s.idsSize(s.order.storages)
}

func (s *Snapshot) idsSize(storages []place) int {
	size := 0
	for _, at := range storages {
		size += len(s.order.storageID(at)) + idOverhead
	}
	return size
}

func (s *Snapshot) guests(a *assembler, places []place) {
	for i, at := range places {
		a.comma(i)
		a.row(&s.holdings[at.holding].guests[at.index])
	}
}

func (s *Snapshot) storages(a *assembler, places []place) {
	a.raw("[")
	for i, at := range places {
		a.comma(i)
		s.storage(a, at)
	}
	a.raw("]")
}

func (s *Snapshot) storage(a *assembler, at place) {
	a.str(`{"id":`, s.order.storageID(at))
	a.row(&s.holdings[at.holding].storages[at.index])
}

func (s *Snapshot) servers(a *assembler) {
	count := 0
	for _, h := range s.holdings {
		if h.server != nil {
			a.comma(count)
			a.row(h.server)
			count++
		}
	}
}

// performance keeps the two members that the older shape has and never filled.
func (s *Snapshot) performance(a *assembler) {
	a.float(`,"performance":{"apiCallDuration":null,"lastPollDuration":`, s.stats.LastPollDuration.Seconds())
	a.raw(`,"pollingStartTime":"0001-01-01T00:00:00Z"`)
	a.int(`,"totalApiCalls":`, s.stats.Requests)
	a.int(`,"failedApiCalls":`, s.stats.FailedRequests)
	a.raw("}")
}

// connectionHealth tells of each target, under its name, whether it is reached.
func (s *Snapshot) connectionHealth(a *assembler) {
	health := make(map[string]bool, len(s.holdings))
	for _, h := range s.holdings {
		key := h.target.Name
		if h.target.ID.Kind() == estate.PBS {
			key = "pbs-" + key
		}
		if before, ok := health[key]; ok && !before {
			continue
		}
		health[key] = h.healthy
	}
	a.raw(`,"connectionHealth":{`)
	for i, key := range slices.Sorted(maps.Keys(health)) {
		a.comma(i)
		a.str("", key)
		a.bool(":", health[key])
	}
	a.raw("}")
}

func (s *Snapshot) statistics(a *assembler) {
	a.time(`,"stats":{"startTime":`, s.stats.StartTime)
	a.int(`,"uptime":`, int64(max(s.At.Sub(s.stats.StartTime), 0)/time.Second))
	a.int(`,"pollingCycles":`, s.stats.PollingCycles)
	a.int(`,"webSocketClients":`, int64(s.stats.WebSocketClients))
	a.str(`,"version":`, s.stats.Version)
	a.raw("}")
}

func (s *Snapshot) targets(a *assembler) {
	a.raw(`,"targets":[`)
	for i, h := range s.holdings {
		a.comma(i)
		a.buf = append(a.buf, h.entry.body...)
	}
	a.raw("]")
}

func (s *Snapshot) assembleStorage(at place) []byte {
	a := &assembler{}
	a.raw(`{"data":`)
	s.storage(a, at)
	s.timestamp(a)
	return a.buf
}

func (s *Snapshot) assembleStorages(places []place) []byte {
	a := &assembler{}
	size := s.idsSize(places) + len(`{"data":[],"timestamp":9223372036854775807}`)
	for _, at := range places {
		size += len(s.holdings[at.holding].storages[at.index].body) + rowOverhead
	}
	a.grow(size)
	a.raw(`{"data":`)
	s.storages(a, places)
	s.timestamp(a)
	return a.buf
}

func (s *Snapshot) timestamp(a *assembler) {
	a.raw(`,"timestamp":`)
	a.buf = strconv.AppendInt(a.buf, s.At.Unix(), 10)
	a.raw("}")
}
