package wire

import (
	"math"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// fraction writes a number that is neither negative nor infinite, or 0 and a note that it is not known.
func (w *writer) fraction(field, name string, o estate.Opt[float64]) {
	f, ok := sane(o)
	if !ok {
		w.miss(name)
	}
	w.float(field, f)
}

// count writes a number that is not negative, or 0 and a note that it is not known.
func (w *writer) count(field, name string, o estate.Opt[int64]) {
	n, ok := natural(o)
	if !ok {
		w.miss(name)
	}
	w.int(field, n)
}

// noRate is what the older clients know as "no rate yet".
const noRate = -1

// rate writes bytes per second, or -1 and a note that they are not known.
func (w *writer) rate(field, name string, o estate.Opt[float64]) {
	f, ok := sane(o)
	if !ok {
		w.miss(name)
		w.int(field, noRate)
		return
	}
	w.int(field, truncate(f))
}

// space is an amount of memory or disk.
type space struct{ total, used, free int64 }

// newSpace tells also whether both total and used are known. Used may exceed total: the host's view of a VM does.
func newSpace(total, used estate.Opt[int64]) (space, bool) {
	t, totalKnown := natural(total)
	u, usedKnown := natural(used)
	return space{total: t, used: u, free: max(t-u, 0)}, totalKnown && usedKnown
}

// limited returns the space with no more free than what a user may write: file systems keep a reserve.
func (s space) limited(available estate.Opt[int64]) space {
	if n, ok := natural(available); ok {
		s.free = min(s.free, n)
	}
	return s
}

// usagePercent is at most 100, and 0 of nothing.
func (s space) usagePercent() float64 {
	if s.total <= 0 {
		return 0
	}
	return min(float64(s.used)/float64(s.total)*100, 100)
}

// namedSpace writes an object of its own, and notes its name unless both amounts are known.
func (w *writer) namedSpace(field, name string, total, used estate.Opt[int64]) {
	s, known := newSpace(total, used)
	if !known {
		w.miss(name)
	}
	w.object(field, s)
}

// object writes the space as an object of its own.
func (w *writer) object(field string, s space) {
	w.raw(field)
	w.space(`{"total":`, s)
	w.raw("}")
}

// space writes the four fields; first is the text up to the value of total.
func (w *writer) space(first string, s space) {
	w.int(first, s.total)
	w.int(`,"used":`, s.used)
	w.int(`,"free":`, s.free)
	w.float(`,"usage":`, s.usagePercent())
}

// flatSpace writes the four fields into the object that is being written, and notes which amounts are not known.
func (w *writer) flatSpace(total, used, available estate.Opt[int64]) {
	if _, ok := natural(total); !ok {
		w.miss("total")
	}
	if _, ok := natural(used); !ok {
		w.miss("used")
	}
	s, _ := newSpace(total, used)
	w.space(`,"total":`, s.limited(available))
}

// sane returns 0 and false for what is unknown or cannot be.
func sane(o estate.Opt[float64]) (float64, bool) {
	f, ok := o.Get()
	if !ok || !finite(f) || f < 0 {
		return 0, false
	}
	return f, true
}

// natural returns 0 and false for what is unknown or negative.
func natural(o estate.Opt[int64]) (int64, bool) {
	n, ok := o.Get()
	if !ok || n < 0 {
		return 0, false
	}
	return n, true
}

// truncate converts a number of at least 0, also one too large for an integer.
func truncate(f float64) int64 {
	if f >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(f)
}
