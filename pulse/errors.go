package pulse

import (
	"errors"
	"fmt"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// ErrNotFound reports a target that is not configured.
var ErrNotFound = errors.New("not found")

// ErrUnavailable reports that the store could not be read or written. Nothing was changed, or, where the store itself
// does not know whether a write happened, the change is followed once it can be read.
var ErrUnavailable = errors.New("the store is not available")

// ErrRunning reports a second [Monitor.Run] beside the first.
var ErrRunning = errors.New("the monitor runs already")

// DuplicateError reports a target that is configured already.
type DuplicateError struct {
	Target estate.TargetID // the one that exists
	Name   string          // its name
	What   string          // what they share, as "the address https://192.0.2.7:8006"
}

// Error names the target that exists.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%s already belongs to %s (%s)", e.What, e.Name, e.Target)
}

// DeclaredError reports a change of a target that a file declares.
type DeclaredError struct {
	Target estate.TargetID
	File   string
}

// Error names the file to change instead.
func (e *DeclaredError) Error() string {
	return fmt.Sprintf("%s is declared in %s: change it there", e.Target, e.File)
}
