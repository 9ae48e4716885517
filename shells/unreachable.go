package shells

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/proxpulse/proxpulse/pulse"
)

// Unreachable tells whether [Open] failed because the store did not answer, which may pass, rather than because of what
// a person has to change.
func Unreachable(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return errors.Is(err, pulse.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
