package proxmox

import (
	"strings"
	"time"
)

// Task is a worker of PVE or PBS.
type Task struct {
	// UPID identifies the task; see [ParseUPID].
	UPID string
	// Node runs it. A PBS says "localhost" here, and its name in the UPID.
	Node string
	// Kind is the type, such as "qmstart", "vzdump" or "garbage_collection".
	Kind string
	// WorkerID is what it works on: a VMID for most guest tasks, "" for tasks without one, "store:vm/100" on PBS.
	WorkerID string
	// User is who started it, without the token's name.
	User string
	// TokenName is the part after "!" when a token started it.
	TokenName string
	// Start is when it began, in UTC.
	Start time.Time
	// End is when it ended, in UTC; zero while it runs.
	End time.Time
	// Status is the final word: "OK", "WARNINGS: n", "job errors" or any error text; empty while it runs.
	Status string
}

// Outcome sums up how a task stands.
type Outcome string

// The outcomes.
const (
	// OutcomeRunning has not ended.
	OutcomeRunning Outcome = "running"
	// OutcomeOK ended well.
	OutcomeOK Outcome = "ok"
	// OutcomeWarning ended with warnings.
	OutcomeWarning Outcome = "warning"
	// OutcomeFailed ended with an error.
	OutcomeFailed Outcome = "failed"
	// OutcomeUnknown ended without a word: the worker or its host died.
	OutcomeUnknown Outcome = "unknown"
)

// Running reports whether the task has not ended.
func (t Task) Running() bool { return t.Outcome() == OutcomeRunning }

// Outcome reads End and Status.
func (t Task) Outcome() Outcome {
	switch {
	case t.End.IsZero() && t.Status == "", t.Status == "RUNNING":
		return OutcomeRunning
	case t.Status == "OK":
		return OutcomeOK
	case strings.HasPrefix(t.Status, "WARNINGS"):
		return OutcomeWarning
	case t.Status == "", t.Status == "unexpected status", t.Status == "unknown":
		return OutcomeUnknown
	}
	return OutcomeFailed
}
