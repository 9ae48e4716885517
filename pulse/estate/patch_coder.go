package estate

import (
	"encoding/binary"
	"time"
)

// patcher walks two values side by side and either writes what differs, or reads it into the second one, which then
// begins as a copy of the first. One list of fields per struct (patch_fields.go) serves both ways.
//
// A struct is a mask of the fields that differ, one bit each in the order of the list, followed by those fields. Numbers
// are written as what they moved from the base, and strings and small lists whole. What is mostly the same for all
// guests of a pass is carried from one field to the next: when it was seen, how far the uptime moved, over how many
// seconds a rate was taken.
type patcher struct {
	writing bool
	data    []byte // what was written so far, or what is left to read
	err     error  // the first one; from then on nothing is left to read

	mask uint64 // of the struct being walked
	bit  uint64 // of the field being walked

	seen        []Seen // those that differed from what was expected
	current     int    // the one of seen that is expected next, or own
	second      int64  // of the last time
	step        int64  // of the last uptime that moved
	denominator float64
	words       map[string]string // texts read so far
}

func newPatcher() *patcher { return &patcher{current: own, denominator: firstDenominator} }

// own means that a reading is expected to be as old as in the base.
const own = -1

// fields is the list of the fields of a struct. What is added to one comes last, since stored patches count on the order.
type fields[T any] func(c *patcher, base, v *T)

// visit walks the fields of a struct that differ by the mask, when reading; it returns the mask.
func visit[T any](c *patcher, mask uint64, base, v *T, list fields[T]) uint64 {
	outerMask, outerBit := c.mask, c.bit
	c.mask, c.bit = mask, 1
	list(c, base, v)
	mask = c.mask
	if !c.writing && mask >= c.bit {
		c.fail(ErrNewer)
	}
	c.mask, c.bit = outerMask, outerBit
	return mask
}

// has moves to the next field and tells whether it differs. What is given counts when writing only.
func (c *patcher) has(differs bool) bool {
	if differs {
		c.mask |= c.bit
	}
	differs = c.mask&c.bit != 0
	c.bit <<= 1
	return differs
}

// done tells a reader that no further field differs.
func (c *patcher) done() bool { return !c.writing && c.mask < c.bit }

func (c *patcher) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	if !c.writing {
		c.data = nil
	}
}

// prefix puts what goes before a struct, whose fields stand from start on: a step over records of the base, if any,
// and the mask.
func (c *patcher) prefix(start int, op, mask uint64) {
	var room [2*binary.MaxVarintLen64 + 1]byte
	before := room[:0]
	if op != 0 {
		before = binary.AppendUvarint(append(before, 0), op)
	}
	before = binary.AppendUvarint(before, mask)
	c.data = append(c.data, before...)
	copy(c.data[start+len(before):], c.data[start:len(c.data)-len(before)])
	copy(c.data[start:], before)
}

func (c *patcher) putUvarint(n uint64) { c.data = binary.AppendUvarint(c.data, n) }

func (c *patcher) putVarint(n int64) { c.data = binary.AppendVarint(c.data, n) }

// putCount writes a number that is not negative.
func (c *patcher) putCount(n int) {
	c.putUvarint(uint64(n)) //nolint:gosec // a length
}

func (c *patcher) uvarint() uint64 {
	if len(c.data) > 0 && c.data[0] < 0x80 {
		n := c.data[0]
		c.data = c.data[1:]
		return uint64(n)
	}
	n, size := binary.Uvarint(c.data)
	if size <= 0 {
		c.fail(ErrDamaged)
		return 0
	}
	c.data = c.data[size:]
	return n
}

func (c *patcher) varint() int64 {
	n, size := binary.Varint(c.data)
	if size <= 0 {
		c.fail(ErrDamaged)
		return 0
	}
	c.data = c.data[size:]
	return n
}

// count reads a number from 0 to limit.
func (c *patcher) count(limit int) int {
	n := c.uvarint()
	if n > uint64(limit) { //nolint:gosec // a length
		c.fail(ErrDamaged)
		return 0
	}
	return int(n) //nolint:gosec // not above limit
}

// bytes reads the next n bytes.
func (c *patcher) bytes(n int) []byte {
	if n > len(c.data) {
		c.fail(ErrDamaged)
		return nil
	}
	taken := c.data[:n]
	c.data = c.data[n:]
	return taken
}

// The seconds of the years 0 to 9999, which are those that have a form in JSON.
const (
	firstSecond = -62167219200
	lastSecond  = 253402300799
)

// putTime writes a time; most lie within minutes of the one before.
func (c *patcher) putTime(t time.Time) {
	if t.IsZero() {
		c.putCount(0)
		return
	}
	second := t.Unix()
	if second < firstSecond || second > lastSecond {
		c.fail(ErrDamaged)
	}
	c.putCount(t.Nanosecond() + 1)
	c.putVarint(second - c.second)
	c.second = second
}

func (c *patcher) time() time.Time {
	nanosecond := c.count(int(time.Second))
	if nanosecond == 0 {
		return time.Time{}
	}
	second := c.second + c.varint()
	if second < firstSecond || second > lastSecond {
		c.fail(ErrDamaged)
		return time.Time{}
	}
	c.second = second
	return time.Unix(second, int64(nanosecond-1)).UTC()
}
