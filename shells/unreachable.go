package shells

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"

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
	if _, ok := errors.AsType[*os.SyscallError](err); ok { // of a connection; a file's errors are of another type
		return true
	}
	if passing, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err); ok && passing.Temporary() { // as a store says it that is still starting
		return true
	}
	return errors.Is(err, pulse.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || busy(err)
}

// busy tells whether a Redis answered that it cannot serve yet: while it reads its files at its start, or while its
// cluster or its master is being replaced.
func busy(err error) bool {
	answer, ok := errors.AsType[interface {
		error
		RedisError()
	}](err)
	if !ok {
		return false
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return slices.Contains([]string{"LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN"}, word)
}
