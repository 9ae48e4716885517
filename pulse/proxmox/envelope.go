package proxmox

import (
	"errors"
	"fmt"
)

// shape is the JSON kind a call's data must have.
type shape byte

const (
	anObject shape = '{'
	aList    shape = '['
)

// errNoData means that a JSON text is not the envelope every Proxmox reply has.
var errNoData = errors.New(`no "data" in the reply`)

// errShape means that data is not of the kind the call gives.
var errShape = errors.New(`"data" has another shape than this call gives`)

// decodeEnvelope reads {"data": ...} and hands the data to read. A list may be null, which Proxmox says for an empty
// one; read is then not called. Everything after the data is checked too, so that a reply that broke off is an error.
func decodeEnvelope(body []byte, want shape, read func(*scanner)) error {
	s := scanner{b: body}
	if s.peek() != '{' {
		return fmt.Errorf("%w: it does not begin as one", errNoData)
	}
	found := false
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		if string(name) != "data" {
			s.skip()
			continue
		}
		again := found
		found = true
		switch c := s.peek(); {
		case again:
			return errShape
		case c == byte(want):
			read(&s)
		case c == 'n' && want == aList:
			s.skip()
		default:
			return errShape
		}
	}
	s.end()
	switch {
	case s.err != nil:
		return s.err
	case !found:
		return errNoData
	}
	return nil
}

// firstField enters the object the scanner stands on and returns its first field.
func (s *scanner) firstField() ([]byte, bool) {
	if !s.object() {
		return nil, false
	}
	return s.field()
}

// nextRow moves to the next element of the list the scanner is in and enters it; each must be an object.
func (s *scanner) nextRow() bool {
	if !s.element() {
		return false
	}
	if s.peek() != '{' {
		s.fail("a row that is not an object")
		return false
	}
	return s.object()
}
