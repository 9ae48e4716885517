package estate

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"
)

// amount walks an integer that may be unknown. That it is known no longer is written as not having moved.
func (c *patcher) amount(base, v *Opt[int64]) {
	if !c.has(c.writing && *base != *v) {
		return
	}
	if !c.writing {
		*v = moved(*base, c.varint())
		return
	}
	c.putVarint(distance(*base, *v))
}

// uptime walks an integer that moves as far as the one before it mostly did.
func (c *patcher) uptime(base, v *Opt[int64]) {
	if !c.has(c.writing && *base != *v) {
		return
	}
	step := int64(0)
	if base.known {
		step = c.step
	}
	n := distance(*base, *v)
	if c.writing {
		c.putVarint(n - step)
	} else {
		n = c.varint() + step
		*v = moved(*base, n)
	}
	if base.known && n != 0 {
		c.step = n
	}
}

// distance is how far an amount moved; 0 when it is known no longer.
func distance(base, v Opt[int64]) int64 {
	if !v.known {
		return 0
	}
	return v.value - base.value
}

// moved undoes distance.
func moved(base Opt[int64], n int64) Opt[int64] {
	if base.known && n == 0 {
		return Opt[int64]{}
	}
	return Some(base.value + n)
}

// A number with a fraction begins with a code: 0 when it is known no longer; odd for a fraction with the denominator
// last used, whose numerator stands above the lowest bit; otherwise even, with this above the lowest bit:
const (
	// Up to here, less one: how many bytes of zeros end the bits in which it differs from the base, and below these
	// three bits how many bytes stand before them, less one. These follow.
	lastBits = 64
	// From here on a new denominator, less one, and its numerator follows.
	firstDivided = lastBits + 1
)

// A rate is a difference of bytes over a few seconds, mostly as many as between two readings of the guest's node, and a
// load has two decimals: as fractions they are a few bytes instead of eight.
const (
	firstDenominator = 10
	mostSeconds      = 32
	decimals         = 100
	maxDenominator   = 1000
	maxNumerator     = 1 << 53
)

// share walks a measured number, whose digits follow no pattern.
func (c *patcher) share(base, v *Opt[float64]) { c.number(base, v, false) }

// rate walks a number that is likely a fraction with a small denominator.
func (c *patcher) rate(base, v *Opt[float64]) { c.number(base, v, true) }

func (c *patcher) number(base, v *Opt[float64], fraction bool) {
	switch {
	case !c.has(c.writing && !sameNumber(*base, *v)):
	case !c.writing:
		*v = c.float(*base)
	case !v.known:
		c.putCount(0)
	default:
		c.putFloat(base.value, v.value, fraction)
	}
}

func sameNumber(a, b Opt[float64]) bool {
	return a.known == b.known && math.Float64bits(a.value) == math.Float64bits(b.value)
}

func (c *patcher) putFloat(base, v float64, fraction bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(ErrDamaged)
	}
	if n, ok := numerator(v, c.denominator); ok && (fraction || n == 0) {
		c.putUvarint(n<<1 | 1)
		return
	}
	if fraction && c.putDivided(v) {
		return
	}
	differ := math.Float64bits(base) ^ math.Float64bits(v)
	zeros := bits.TrailingZeros64(differ) / 8
	size := 8 - zeros - bits.LeadingZeros64(differ)/8
	c.putCount((zeros<<3 | (size - 1) + 1) << 1)
	var room [8]byte
	binary.LittleEndian.PutUint64(room[:], differ>>(8*zeros))
	c.data = append(c.data, room[:size]...)
}

// putDivided writes a number as a fraction with another denominator than the last one, if it is one.
func (c *patcher) putDivided(v float64) bool {
	for d := 1; d <= mostSeconds+1; d++ {
		denominator := float64(d)
		if d > mostSeconds {
			denominator = decimals
		}
		if n, ok := numerator(v, denominator); ok {
			c.denominator = denominator
			c.putCount((firstDivided + int(denominator) - 1) << 1)
			c.putUvarint(n)
			return true
		}
	}
	return false
}

// numerator returns the whole number that, divided by the denominator, is v to the last bit.
func numerator(v, denominator float64) (uint64, bool) {
	n := v * denominator
	if !(n >= 0 && n < maxNumerator) {
		return 0, false
	}
	whole := uint64(n + 0.5)
	return whole, math.Float64bits(float64(whole)/denominator) == math.Float64bits(v)
}

// float reads what putFloat wrote.
func (c *patcher) float(base Opt[float64]) Opt[float64] {
	code := c.uvarint()
	switch {
	case code == 0:
		return Opt[float64]{}
	case code&1 != 0:
		return c.divided(code >> 1)
	case code>>1 <= lastBits:
		return c.differing(base.value, int(code>>1)-1)
	case code>>1 < firstDivided+maxDenominator:
		c.denominator = float64(code>>1 - firstDivided + 1)
		return c.divided(c.uvarint())
	}
	c.fail(ErrDamaged)
	return Opt[float64]{}
}

func (c *patcher) divided(n uint64) Opt[float64] {
	if n >= maxNumerator {
		c.fail(ErrDamaged)
	}
	return Some(float64(n) / c.denominator)
}

func (c *patcher) differing(base float64, form int) Opt[float64] {
	zeros, size := form>>3, form&7+1
	var room [8]byte
	copy(room[:], c.bytes(size))
	v := math.Float64frombits(math.Float64bits(base) ^ binary.LittleEndian.Uint64(room[:])<<(8*zeros))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(ErrDamaged)
	}
	return Some(v)
}

// loads walks a list of numbers.
func (c *patcher) loads(base, v *[]float64) {
	if !c.has(c.writing && !slices.Equal(*base, *v)) {
		return
	}
	if c.writing {
		c.putCount(len(*v))
		for _, load := range *v {
			c.putFloat(0, load, true)
		}
		return
	}
	*v = nil
	for range c.count(len(c.data)) {
		*v = append(*v, c.float(Opt[float64]{}).value)
	}
}

// moment walks a time.
func (c *patcher) moment(base, v *time.Time) {
	if !c.has(c.writing && !sameTime(*base, *v)) {
		return
	}
	if c.writing {
		c.putTime(*v)
		return
	}
	*v = c.time()
}

// sameTime leaves out of account what JSON does not carry.
func sameTime(a, b time.Time) bool { return a.Unix() == b.Unix() && a.Nanosecond() == b.Nanosecond() }

func sameSeen(a, b Seen) bool { return sameTime(a.At, b.At) && sameTime(a.Advanced, b.Advanced) }

// recentSeen is how many of the readings' times a writer looks through.
const recentSeen = 32

// sight walks when a reading was taken, which is expected to be as with the one before. What differs is 0 when the
// reading is that of the base, or counts through those that differed before; one more than these is followed by new times.
func (c *patcher) sight(base, v *Seen) {
	expected := *base
	if c.current != own {
		expected = c.seen[c.current]
	}
	if !c.has(c.writing && !sameSeen(expected, *v)) {
		if !c.writing {
			*v = expected
		}
		return
	}
	if c.writing {
		c.putSight(*base, *v)
		return
	}
	c.current = c.count(len(c.seen)+1) - 1
	switch c.current {
	case own:
		*v = *base
		return
	case len(c.seen):
		c.seen = append(c.seen, Seen{At: c.time(), Advanced: c.time()})
	}
	*v = c.seen[c.current]
}

func (c *patcher) putSight(base, v Seen) {
	c.current = own
	if !sameSeen(base, v) {
		c.current = c.find(v)
	}
	c.putCount(c.current + 1)
	if c.current == len(c.seen) {
		c.seen = append(c.seen, v)
		c.putTime(v.At)
		c.putTime(v.Advanced)
	}
}

func (c *patcher) find(v Seen) int {
	for i := len(c.seen) - 1; i >= max(0, len(c.seen)-recentSeen); i-- {
		if sameSeen(c.seen[i], v) {
			return i
		}
	}
	return len(c.seen)
}
