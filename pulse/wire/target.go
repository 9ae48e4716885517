package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Target is what the wire shows of a configured target.
type Target struct {
	ID   estate.TargetID
	Name string // the `instance` of everything the target holds
	// Slug begins the wire ids of what the target holds. No slug followed by "-" may begin another one.
	Slug    string
	Host    string // where it is reached, as https://pbs.example.com:8007; shown of a PBS
	Horizon estate.Horizon
}

// Stats is what Pulse tells of itself in the state document. A change of these alone makes no new revision: they
// are shown as they were when the observed state last changed.
type Stats struct {
	StartTime        time.Time // of the process
	Version          string    // of the release
	PollingCycles    int64
	WebSocketClients int
	LastPollDuration time.Duration // zero before the first poll
	Requests         int64         // to targets, since StartTime
	FailedRequests   int64         // of those
}
