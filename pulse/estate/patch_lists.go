package estate

import (
	"maps"
	"slices"
	"time"
)

// part walks a struct within a struct.
func part[T any](c *patcher, base, v *T, list fields[T]) {
	if !c.writing {
		if c.has(false) {
			visit(c, c.uvarint(), base, v, list)
		}
		return
	}
	start := len(c.data)
	mask := visit(c, 0, base, v, list)
	if c.has(mask != 0) {
		c.prefix(start, 0, mask)
	}
}

// pointer walks a struct that may be missing: 0 stands for none, 1 for one.
func pointer[T any](c *patcher, base, v **T, list fields[T]) {
	if !c.writing {
		if c.has(false) {
			*v = readPointer(c, present(*base), list)
		}
		return
	}
	if *base == *v {
		c.has(false)
		return
	}
	start := len(c.data)
	c.putCount(truth(*v != nil))
	mask := uint64(0)
	if *v != nil {
		inner := len(c.data)
		mask = visit(c, 0, present(*base), *v, list)
		c.prefix(inner, 0, mask)
	}
	if !c.has(mask != 0 || (*base == nil) != (*v == nil)) {
		c.data = c.data[:start]
	}
}

// present returns what a struct that may be missing is compared with.
func present[T any](v *T) *T {
	if v == nil {
		return new(T)
	}
	return v
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func readPointer[T any](c *patcher, base *T, list fields[T]) *T {
	if c.count(1) == 0 {
		return nil
	}
	v := new(T)
	*v = *base
	visit(c, c.uvarint(), base, v, list)
	return v
}

// A list is its new length and its records. One that differs from its record of the base begins with a mask, which is
// not zero then, and one step goes from it to the next record of the base. A zero is followed by another step, with a
// count above the two lowest bits.
const (
	stepKeep   = 1 // so many records as in the base
	stepDrop   = 2 // so many records of the base are left out
	stepInsert = 3 // one record that has none in the base; its mask follows
	stepBits   = 2
)

// records walks a list of structs, each compared with the one of the base that order calls the same. Lists are sorted by
// it; in one that is not, some records are written whole.
func records[T any](c *patcher, base, v *[]T, list fields[T], order func(a, b *T) int) {
	outer := c.current
	c.current = own
	defer func() { c.current = outer }()
	if !c.writing {
		if c.has(false) {
			*v = readRecords(c, *base, list)
		}
		return
	}
	start := len(c.data)
	c.putCount(len(*v))
	w := recordWriter[T]{c: c, list: list}
	if !c.has(w.write(*base, *v, order)) {
		c.data = c.data[:start]
	}
}

type recordWriter[T any] struct {
	c     *patcher
	list  fields[T]
	zero  *T
	kept  uint64 // records like those of the base that were not written yet
	moved bool   // whether anything differs
}

// write tells whether the lists differ.
func (w *recordWriter[T]) write(base, next []T, order func(a, b *T) int) bool {
	i := 0
	for j := range next {
		v, how, dropped := &next[j], 1, uint64(0)
		for ; i < len(base); i++ {
			if how = order(&base[i], v); how >= 0 {
				break
			}
			how = 1
			dropped++
		}
		if dropped > 0 {
			w.step(stepDrop, dropped)
		}
		if how > 0 {
			w.insert(v)
			continue
		}
		w.record(&base[i], v)
		i++
	}
	if w.kept > 0 && w.moved || i < len(base) {
		w.flush()
		w.moved = true
	}
	return w.moved
}

func (w *recordWriter[T]) record(base, v *T) {
	start := len(w.c.data)
	mask := visit(w.c, 0, base, v, w.list)
	if mask == 0 {
		w.kept++
		return
	}
	op := uint64(0)
	if w.kept > 0 {
		op = w.kept<<stepBits | stepKeep
	}
	w.c.prefix(start, op, mask)
	w.kept, w.moved = 0, true
}

func (w *recordWriter[T]) insert(v *T) {
	if w.zero == nil {
		w.zero = new(T)
	}
	w.step(stepInsert, 1)
	start := len(w.c.data)
	w.c.prefix(start, 0, visit(w.c, 0, w.zero, v, w.list))
}

func (w *recordWriter[T]) step(kind, n uint64) {
	w.flush()
	w.c.putCount(0)
	w.c.putUvarint(n<<stepBits | kind)
	w.moved = true
}

func (w *recordWriter[T]) flush() {
	if n := w.kept; n > 0 {
		w.kept = 0
		w.step(stepKeep, n)
	}
}

// readRecords reads a list. A record of the base comes up once, and any other takes bytes of the patch, so that a few
// bytes cannot ask for much memory.
func readRecords[T any](c *patcher, base []T, list fields[T]) []T {
	count := c.count(len(base) + len(c.data))
	if count == 0 {
		return nil
	}
	r := recordReader[T]{c: c, base: base, list: list}
	// A record that is not in the base mostly takes more bytes than this.
	r.out = make([]T, 0, min(count, len(base)+len(c.data)/16))
	for len(r.out) < count && c.err == nil {
		if mask := c.uvarint(); mask != 0 {
			r.take(1, mask)
			continue
		}
		op := c.uvarint()
		n := op >> stepBits
		switch kind := op & (1<<stepBits - 1); {
		case kind == stepKeep && n <= uint64(count-len(r.out)): //nolint:gosec // not negative
			r.take(n, 0)
		case kind == stepDrop:
			r.left(n)
		case kind == stepInsert && n == 1:
			r.insert()
		default:
			c.fail(ErrDamaged)
		}
	}
	return r.out
}

type recordReader[T any] struct {
	c    *patcher
	list fields[T]
	base []T // from the next record on
	out  []T
	zero *T
}

// left takes n records off the base.
func (r *recordReader[T]) left(n uint64) []T {
	if n == 0 || n > uint64(len(r.base)) {
		r.c.fail(ErrDamaged)
		return nil
	}
	taken := r.base[:n]
	r.base = r.base[n:]
	return taken
}

func (r *recordReader[T]) insert() {
	if r.zero == nil {
		r.zero = new(T)
	}
	r.out = append(r.out, *r.zero)
	visit(r.c, r.c.uvarint(), r.zero, &r.out[len(r.out)-1], r.list)
}

// take copies n records of the base that differ by the mask.
func (r *recordReader[T]) take(n, mask uint64) {
	taken := r.left(n)
	for i := range taken {
		r.out = append(r.out, taken[i])
		visit(r.c, mask, &taken[i], &r.out[len(r.out)-1], r.list)
	}
}

// times walks the times by name: the names that are gone, and those that are new or changed.
func (c *patcher) times(base, v *map[string]time.Time) {
	if !c.writing {
		if c.has(false) {
			*v = c.readTimes(*base)
		}
		return
	}
	var gone, set []string
	for name := range *base {
		if _, ok := (*v)[name]; !ok {
			gone = append(gone, name)
		}
	}
	for name, at := range *v {
		if old, ok := (*base)[name]; !ok || !sameTime(old, at) {
			set = append(set, name)
		}
	}
	if !c.has(len(gone)+len(set) > 0) {
		return
	}
	slices.Sort(gone)
	slices.Sort(set)
	c.putCount(len(gone))
	for _, name := range gone {
		c.putText(name)
	}
	c.putCount(len(set))
	for _, name := range set {
		c.putText(name)
		c.putTime((*v)[name])
	}
}

func (c *patcher) readTimes(base map[string]time.Time) map[string]time.Time {
	next := maps.Clone(base)
	for range c.count(len(c.data)) {
		delete(next, c.text())
	}
	for range c.count(len(c.data)) {
		if next == nil {
			next = make(map[string]time.Time)
		}
		next[c.text()] = c.time()
	}
	if len(next) == 0 {
		return nil
	}
	return next
}
