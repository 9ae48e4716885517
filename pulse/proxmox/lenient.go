package proxmox

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"
)

// What follows reads one value of whatever JSON type as what the field means: Proxmox prints the same field as a number
// here and as a string there. A value that does not fit is unknown, not an error.

// raw consumes one value and returns a scalar's text: of a string its content, of anything else its literal. Objects,
// arrays and null give nil.
func (s *scanner) raw() []byte {
	switch s.peek() {
	case '"':
		return s.str()
	case '{', '[':
		s.skip()
		return nil
	case 'n':
		s.word("null")
		return nil
	}
	return s.scalar()
}

// text reads a string.
func (s *scanner) text() string {
	mark := len(s.scratch)
	text := string(s.raw())
	s.scratch = s.scratch[:mark]
	return text
}

// float reads a number that may be negative.
func (s *scanner) float() Opt[float64] {
	mark := len(s.scratch)
	b := bytes.TrimSpace(s.raw())
	s.scratch = s.scratch[:mark]
	return parseFloat(b)
}

func parseFloat(b []byte) Opt[float64] {
	if !plainNumber(b) {
		return Opt[float64]{}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || !finite(f) {
		return Opt[float64]{}
	}
	return Some(f)
}

// share reads a number that cannot be negative. A negative CPU share is the trace of a counter that was reset.
func (s *scanner) share() Opt[float64] {
	f := s.float()
	if f.Value < 0 {
		return Opt[float64]{}
	}
	return f
}

// count reads a whole number that cannot be negative: bytes, seconds, ids. Fractions are cut off; numbers in exponent
// form are taken by value. PBS says -1 for a size it does not know.
func (s *scanner) count() Opt[int64] {
	mark := len(s.scratch)
	b := s.raw()
	s.scratch = s.scratch[:mark]
	if n, ok := shortDigits(b); ok {
		return Some(n)
	}
	f := parseFloat(bytes.TrimSpace(b))
	if !f.Known || f.Value < 0 || f.Value >= math.MaxInt64 {
		return Opt[int64]{}
	}
	if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil {
		return Some(n)
	}
	return Some(int64(f.Value))
}

// shortDigits reads up to 18 digits, which cannot overflow.
func shortDigits(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// plainNumber keeps out what ParseFloat takes and no server prints: "inf", "nan", hexadecimal, underscores.
func plainNumber(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return false
		}
	}
	return len(b) > 0
}

// flag reads a boolean: true and false, 0 and 1, or words for them.
func (s *scanner) flag() Opt[bool] {
	mark := len(s.scratch)
	b := bytes.TrimSpace(s.raw())
	s.scratch = s.scratch[:mark]
	switch string(b) {
	case "1", "true", "yes", "on":
		return Some(true)
	case "0", "false", "no", "off":
		return Some(false)
	}
	if f := parseFloat(b); f.Known {
		return Some(f.Value != 0)
	}
	return Opt[bool]{}
}

// instant reads seconds since 1970; zero, absent and absurd values give the zero time.
func (s *scanner) instant() time.Time { return instant(s.count()) }

// latestInstant is the year 9999; later values are not times.
const latestInstant = 253402300799

func instant(seconds Opt[int64]) time.Time {
	if seconds.Value <= 0 || seconds.Value > latestInstant {
		return time.Time{}
	}
	return time.Unix(seconds.Value, 0).UTC()
}

// list reads a comma-separated string, or an array of strings, and leaves empty parts out.
func (s *scanner) list() []string {
	var out []string
	add := func(b []byte) {
		for part := range bytes.SplitSeq(b, []byte{','}) {
			if part = bytes.TrimSpace(part); len(part) > 0 {
				out = append(out, string(part))
			}
		}
	}
	mark := len(s.scratch)
	defer func() { s.scratch = s.scratch[:mark] }()
	if s.peek() != '[' {
		add(s.raw())
		return out
	}
	s.array()
	for s.element() {
		add(s.raw())
	}
	return out
}

// fingerprint reads a certificate's fingerprint; what cannot be read is zero.
func (s *scanner) fingerprint() Fingerprint {
	fp, err := ParseFingerprint(s.text())
	if err != nil {
		return Fingerprint{}
	}
	return fp
}

// sortedParts reads a list whose order means nothing and changes from reply to reply.
func (s *scanner) sortedParts() []string {
	parts := s.list()
	slices.Sort(parts)
	return parts
}
