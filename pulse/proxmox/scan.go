package proxmox

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting, as encoding/json does.
const maxDepth = 10000

// scanner reads one JSON text front to back without building a tree: Proxmox replies have few known fields, and walking
// them costs a tenth of what reflection does. It accepts exactly what encoding/json accepts.
//
// An object is read with object and then field until that returns false; an array with array and element. Between two
// of them exactly one value must be consumed. After an error every method returns zero values, and err tells why.
type scanner struct {
	b       []byte
	i       int
	depth   int
	opened  bool   // the last token was '{' or '['
	scratch []byte // holds strings that had escapes, until reset
	err     error
}

// syntaxError says where a text stops being JSON.
type syntaxError struct {
	offset int
	what   string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.offset) }

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = &syntaxError{offset: s.i, what: what}
	}
	s.i = len(s.b)
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// end checks that nothing but white space is left.
func (s *scanner) end() {
	if s.err == nil && s.peek() != 0 || s.i < len(s.b) {
		s.fail("unexpected text after the value")
	}
}

// object enters an object. When the value is something else it is skipped and object returns false.
func (s *scanner) object() bool { return s.enter('{') }

// array enters an array. When the value is something else it is skipped and array returns false.
func (s *scanner) array() bool { return s.enter('[') }

func (s *scanner) enter(open byte) bool {
	if s.peek() != open {
		s.skip()
		return false
	}
	return s.push()
}

func (s *scanner) push() bool {
	if s.depth++; s.depth > maxDepth {
		s.fail("nested too deeply")
		return false
	}
	s.i++
	s.opened = true
	return true
}

// element moves to the next element of an array; false at its end.
func (s *scanner) element() bool { return s.next(']') }

// next moves past a separator; at the closing byte it leaves the container.
func (s *scanner) next(closing byte) bool {
	first := s.opened
	s.opened = false
	if s.err != nil {
		return false
	}
	switch c := s.peek(); {
	case c == closing:
		s.i++
		s.depth--
		return false
	case first && c != 0:
		return true
	case c == ',':
		s.i++
		return true
	}
	s.fail("expected a comma or the end")
	return false
}

// field moves to the next field of an object and returns its name; false at its end. The name is valid until the next
// call of any method.
func (s *scanner) field() ([]byte, bool) {
	if !s.next('}') {
		return nil, false
	}
	if s.peek() != '"' {
		s.fail("expected a field name")
		return nil, false
	}
	mark := len(s.scratch)
	name := s.str()
	s.scratch = s.scratch[:mark]
	if s.peek() != ':' {
		s.fail("expected a colon")
		return nil, false
	}
	s.i++
	return name, s.err == nil
}

// skip consumes one value of any kind.
func (s *scanner) skip() {
	switch s.peek() {
	case '{':
		if !s.push() {
			return
		}
		for _, ok := s.field(); ok; _, ok = s.field() {
			s.skip()
		}
	case '[':
		if !s.push() {
			return
		}
		for s.element() {
			s.skip()
		}
	case '"':
		mark := len(s.scratch)
		s.str()
		s.scratch = s.scratch[:mark]
	default:
		s.scalar()
	}
}

// scalar consumes a number or a word (true, false, null) and returns its literal.
func (s *scanner) scalar() []byte {
	switch c := s.peek(); {
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	s.fail("expected a value")
	return nil
}

func (s *scanner) word(want string) []byte {
	if len(s.b)-s.i < len(want) || string(s.b[s.i:s.i+len(want)]) != want {
		s.fail("expected a value")
		return nil
	}
	from := s.i
	s.i += len(want)
	return s.b[from:s.i]
}

// number consumes a number by JSON's grammar and returns its literal.
func (s *scanner) number() []byte {
	n := numberLength(s.b[s.i:])
	if n == 0 {
		s.fail("malformed number")
		return nil
	}
	from := s.i
	s.i += n
	return s.b[from:s.i]
}

// numberLength returns how many leading bytes are a JSON number; 0 when they are none.
func numberLength(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch whole := digits(b[i:]); {
	case whole == 0:
		return 0
	case b[i] == '0':
		i++ // no leading zeros: what follows is not part of the number
	default:
		i += whole
	}
	if i < len(b) && b[i] == '.' {
		n := digits(b[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		n := digits(b[j:])
		if n == 0 {
			return 0
		}
		i = j + n
	}
	return i
}

func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// str consumes a string; the reader must stand on its quote. The result points into the text, or into scratch when it
// had escapes, and is not a copy.
func (s *scanner) str() []byte {
	from := s.i + 1
	for i := from; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[from:i]
		case c == '\\' || c >= utf8.RuneSelf:
			return s.unescape(from, i)
		case c < ' ':
			s.i = i
			s.fail("control character in a string")
			return nil
		}
	}
	s.fail("unterminated string")
	return nil
}

// unescape is the slow path of str for escapes and text beyond ASCII, which may not be valid UTF-8.
func (s *scanner) unescape(from, at int) []byte {
	mark := len(s.scratch)
	s.scratch = append(s.scratch, s.b[from:at]...)
	for i := at; i < len(s.b); {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.scratch[mark:]
		case c == '\\':
			n := s.escape(s.b[i:])
			if n == 0 {
				s.i = i
				s.fail("bad escape in a string")
				return nil
			}
			i += n
		case c < ' ':
			s.i = i
			s.fail("control character in a string")
			return nil
		case c < utf8.RuneSelf:
			s.scratch = append(s.scratch, c)
			i++
		default:
			r, n := utf8.DecodeRune(s.b[i:])
			s.scratch = utf8.AppendRune(s.scratch, r) // an invalid byte becomes U+FFFD
			i += n
		}
	}
	s.fail("unterminated string")
	return nil
}

// escape decodes the escape b begins with into scratch and returns its length; 0 when it is none.
func (s *scanner) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, b[1])
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		return s.escapeUnicode(b)
	default:
		return 0
	}
	return 2
}

// escapeUnicode decodes \uXXXX, or a surrogate pair of them; half a pair becomes U+FFFD.
func (s *scanner) escapeUnicode(b []byte) int {
	r := hex4(b[2:])
	if r < 0 {
		return 0
	}
	n := 6
	if utf16.IsSurrogate(r) {
		var low rune = -1
		if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			low = hex4(b[8:])
		}
		r = utf16.DecodeRune(r, low)
		if r != utf8.RuneError {
			n = 12
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return n
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		d := unhex(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | rune(d) //nolint:gosec // d is one hex digit
	}
	return r
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// finite reports whether f is a number that can be shown.
func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
