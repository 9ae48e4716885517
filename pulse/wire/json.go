package wire

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// writer appends JSON to a buffer, byte for byte as encoding/json writes it. Where it takes a field, that is the
// literal text up to the value, as `,"cpu":`.
type writer struct {
	buf     []byte
	missing []string // names of the fields whose number is a stand-in
}

func (w *writer) reset() { w.buf, w.missing = w.buf[:0], w.missing[:0] }

// miss notes that a field's number is not known.
func (w *writer) miss(name string) { w.missing = append(w.missing, name) }

func (w *writer) raw(s string) { w.buf = append(w.buf, s...) }

func (w *writer) str(field, s string) {
	w.buf = append(w.buf, field...)
	w.buf = appendString(w.buf, s)
}

// optStr leaves an empty string out.
func (w *writer) optStr(field, s string) {
	if s != "" {
		w.str(field, s)
	}
}

func (w *writer) int(field string, n int64) {
	w.buf = append(w.buf, field...)
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// optInt leaves a number out that is unknown or negative.
func (w *writer) optInt(field string, n estate.Opt[int64]) {
	if v, ok := natural(n); ok {
		w.int(field, v)
	}
}

func (w *writer) float(field string, f float64) {
	w.buf = append(w.buf, field...)
	w.buf = appendFloat(w.buf, f)
}

func (w *writer) bool(field string, v bool) {
	w.buf = append(w.buf, field...)
	w.buf = strconv.AppendBool(w.buf, v)
}

func (w *writer) time(field string, t time.Time) {
	w.buf = append(w.buf, field...)
	w.buf = appendTime(w.buf, t)
}

// optTime leaves the zero time out.
func (w *writer) optTime(field string, t time.Time) {
	if !t.IsZero() {
		w.time(field, t)
	}
}

func (w *writer) strs(field string, list []string) {
	w.buf = append(w.buf, field...)
	w.buf = append(w.buf, '[')
	for i, s := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendString(w.buf, s)
	}
	w.buf = append(w.buf, ']')
}

func (w *writer) optStrs(field string, list []string) {
	if len(list) > 0 {
		w.strs(field, list)
	}
}

func (w *writer) floats(field string, list []float64) {
	w.buf = append(w.buf, field...)
	w.buf = append(w.buf, '[')
	for i, f := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendFloat(w.buf, f)
	}
	w.buf = append(w.buf, ']')
}

// unknown writes the names noted with miss since there were so many, and forgets them.
func (w *writer) unknown(since int) {
	w.optStrs(`,"unknown":`, w.missing[since:])
	w.missing = w.missing[:since]
}

const hexDigits = "0123456789abcdef"

// plainASCII tells which bytes stand for themselves in a string, also inside HTML.
var plainASCII = func() (table [256]bool) {
	for c := byte(0x20); c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return table
}()

func appendString(b []byte, s string) []byte {
	return append(appendInner(append(b, '"'), s), '"')
}

// appendInner writes a string without the quotes around it.
func appendInner(b []byte, s string) []byte {
	i := 0
	for i < len(s) && plainASCII[s[i]] {
		i++
	}
	b = append(b, s[:i]...)
	if i < len(s) {
		b = appendEscaped(b, s[i:])
	}
	return b
}

func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b = appendASCII(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\ufffd`...)
		case r == '\u2028' || r == '\u2029': // line ends in JavaScript
			b = append(b, `\u202`...)
			b = append(b, hexDigits[r&0xf])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

func appendASCII(b []byte, c byte) []byte {
	switch {
	case plainASCII[c]:
		return append(b, c)
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\b':
		return append(b, '\\', 'b')
	case c == '\f':
		return append(b, '\\', 'f')
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

// appendFloat writes NaN and the infinities, which JSON cannot hold, as 0.
func appendFloat(b []byte, f float64) []byte {
	if !finite(f) {
		return append(b, '0')
	}
	abs := math.Abs(f)
	if abs >= 1 && abs < 1e15 && f == math.Trunc(f) {
		return strconv.AppendInt(b, int64(f), 10)
	}
	if abs == 0 || (abs >= 1e-6 && abs < 1e21) {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// An exponent of one digit is written as one digit.
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
