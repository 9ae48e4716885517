package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// translate turns an error of the client into one a caller can branch on, and prefers the context's own.
func (s *Store) translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if answered(err) {
		if full(err) {
			return fmt.Errorf("%w (redis at %s: %w)", store.ErrFull, s.address, err)
		}
		return fmt.Errorf("redis at %s: %w", s.address, err)
	}
	if ctxErr := ended(ctx); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("redis at %s cannot be reached: %w", s.address, inTime(err))
}

// passing is an error that may end by itself, as Temporary tells those who want to know.
type passing string

// Error gives the text.
func (p passing) Error() string { return string(p) }

// Temporary is always true.
func (p passing) Temporary() bool { return true }

// inTime words a time-out of this package's own so that nobody takes it for the end of the caller's context.
func inTime(err error) error {
	netErr, _ := errors.AsType[net.Error](err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) || netErr != nil && netErr.Timeout() {
		return passing("no answer in time")
	}
	return err
}

// ended gives the context's error. The client stops at the deadline of a context, which may notice a moment later.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return nil
}

// answered tells whether err is the server's word.
func answered(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// full tells of a server that takes no write because its memory or disk is used up.
func full(err error) bool {
	return redis.HasErrorPrefix(err, "OOM") || redis.HasErrorPrefix(err, "MISCONF")
}

// broken tells whether a connection broke that had been made, so that another try may succeed at once.
func broken(err error) bool {
	if err == nil || answered(err) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// openError words an error of the first contact so that it follows the server's address.
func openError(ctx context.Context, err error) error {
	message := err.Error()
	switch {
	case strings.Contains(message, "WRONGPASS"):
		return errors.New("refuses the user or the password of the URL")
	case strings.Contains(message, "NOAUTH"):
		return errors.New("asks for a password; put it into the URL, as in redis://:password@host:6379/0")
	case strings.Contains(message, "without any password configured"):
		return errors.New("knows no password, but the URL has one; take it out, or set one in Redis")
	case strings.Contains(message, "NOPERM"), strings.Contains(message, "user executing the script can't"):
		return errors.New("lets this user do too little (NOPERM); allow it ~prefix:* &prefix:* +@all -@admin")
	case strings.Contains(message, "DB index is out of range"):
		return errors.New("does not have the database that the URL names")
	case answered(err):
		return fmt.Errorf("refuses to serve: %w", err)
	}
	if ctxErr := ended(ctx); ctxErr != nil {
		return fmt.Errorf("cannot be reached: %w", ctxErr)
	}
	return fmt.Errorf("cannot be reached: %w", inTime(err))
}
