package wire

import "github.com/proxpulse/proxpulse/pulse/estate"

// spec tells how one kind of resource is compared and encoded.
type spec[T any] struct {
	compare func(a, b *T) int // the order of an observation's list
	seen    func(v *T) estate.Seen
	// trust tells how far the numbers and the status speak of the present, from how old the reading is.
	trust       func(v *T, fresh estate.Freshness) (numbers, status estate.Freshness)
	sameWords   func(a, b *T) bool // what is news when it changes
	sameNumbers func(a, b *T) bool // the rest of what the row shows, but for the readings' times
	health      func(v *T, fresh, status estate.Freshness) nodeHealth
	append      func(w *writer, v *T, r *row)
}

// rowEstimate is what a row is taken to need in bytes before its resource was ever encoded.
const rowEstimate = 640

// plan pairs the new list with the old one and returns the new rows. A row whose content is the same has its body
// already.
func plan[T any](p *pass, s *spec[T], old []T, oldRows []row, list []T) []row {
	if len(list) != len(old) {
		p.changed, p.words = true, true
	}
	rows := make([]row, len(list))
	j := 0
	for i := range list {
		v, r := &list[i], &rows[i]
		seen := s.seen(v)
		r.seen = nanos(seen.At)
		r.fresh, r.status = s.trust(v, p.judge(seen))
		if s.health != nil {
			r.health = s.health(v, r.fresh, r.status)
		}
		for j < len(old) && s.compare(&old[j], v) < 0 {
			j++
		}
		if j == len(old) || s.compare(&old[j], v) != 0 {
			p.changed, p.words = true, true
			p.dirty += rowEstimate
			continue
		}
		reuse(p, s, &old[j], v, &oldRows[j], r)
	}
	return rows
}

// reuse gives a row the old body if nothing that it shows differs.
func reuse[T any](p *pass, s *spec[T], old, v *T, oldRow, r *row) {
	words := r.fresh == oldRow.fresh && r.status == oldRow.status && r.health == oldRow.health && s.sameWords(old, v)
	same := words && s.sameNumbers(old, v) &&
		(r.fresh == estate.Live || observedAt(s.seen(old)).Equal(observedAt(s.seen(v))))
	p.words = p.words || !words
	p.changed = p.changed || !same || r.seen != oldRow.seen
	if !same {
		p.dirty += len(oldRow.body)
		return
	}
	r.body = oldRow.body
	p.clean += len(oldRow.body)
}

// openArena readies the place for the new rows, and tells whether the reused ones must move there too: when too much
// of what they keep in memory is of use to nobody else.
func (p *pass) openArena(old arena) (move bool) {
	p.next.arena = old
	if p.dirty == 0 {
		return false
	}
	if live := p.clean + p.dirty; old.held+p.dirty > live+live/2 {
		p.next.arena = arena{}
		p.dirty, p.clean = live, 0
		return true
	}
	return false
}

// fill encodes the rows without a body, and moves the others if told so.
func fill[T any](p *pass, w *writer, s *spec[T], list []T, rows []row, move bool) {
	for i := range rows {
		r := &rows[i]
		body := r.body
		if body == nil {
			w.reset()
			s.append(w, &list[i], r)
			body = w.buf
		} else if !move {
			continue
		}
		r.body = p.next.arena.put(body, p.dirty)
		p.dirty -= len(body)
	}
}
