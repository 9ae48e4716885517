package store

import (
	"errors"
	"fmt"
	"time"
)

// What callers of a store branch on.
var (
	// ErrConflict reports that something was not as the caller had read it: read again and decide again. The error that
	// matches it is a *ConflictError.
	ErrConflict = errors.New("conflict")
	// ErrGone reports that the group was dropped since the caller read it, or that the store was emptied.
	ErrGone = errors.New("group is gone")
	// ErrClosed reports a call on a closed store.
	ErrClosed = errors.New("store is closed")
	// ErrFull reports that there is no room: the disk is full, or a quota is used up. Nothing was written.
	ErrFull = errors.New("store is full")
	// ErrLeaseHeld reports that another holder has the lease. The error that matches it is a *LeaseHeldError.
	ErrLeaseHeld = errors.New("lease is held")
	// ErrInvalid reports arguments outside the limits of the contract.
	ErrInvalid = errors.New("invalid argument")
)

// ConflictError names what was in the way of a commit. It matches [ErrConflict].
type ConflictError struct {
	Group string
	Key   string // the key whose revision was another, or empty
	Chunk string // the chunk whose size was another, or empty; with both empty the group itself exists already
}

// Error names the group and the key or chunk.
func (e *ConflictError) Error() string {
	switch {
	case e.Key != "":
		return fmt.Sprintf("conflict on key %q of group %q", e.Key, e.Group)
	case e.Chunk != "":
		return fmt.Sprintf("conflict on chunk %q of group %q", e.Chunk, e.Group)
	default:
		return fmt.Sprintf("conflict: group %q exists", e.Group)
	}
}

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// LeaseHeldError tells who has a lease and how long at most. It matches [ErrLeaseHeld].
type LeaseHeldError struct {
	Name   string
	Holder string
	Until  time.Time // by this process's clock
}

// Error names the lease and its holder.
func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("lease %q is held by %q until %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is reports whether target is [ErrLeaseHeld].
func (e *LeaseHeldError) Is(target error) bool { return target == ErrLeaseHeld }

// Refused tells whether err is the store's answer to one commit (a conflict, a group that is gone, an invalid argument)
// rather than a failure of the store.
func Refused(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrGone) || errors.Is(err, ErrInvalid)
}
