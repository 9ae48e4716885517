package wire

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// ConnectionStatus is how well a target is reached.
type ConnectionStatus string

// The degrees of connection.
const (
	Connected    ConnectionStatus = "connected"
	Degraded     ConnectionStatus = "degraded"     // read, but not all of it, or not lately
	Disconnected ConnectionStatus = "disconnected" // the latest pass failed, or none ended yet
)

// Connection is how well a target is reached, and why not better.
type Connection struct {
	Status ConnectionStatus
	Reason estate.Reason // empty unless the latest pass failed
	Error  string        // one sentence for people; empty when connected, and before the first pass ended
}

// JudgeConnection tells how well a target is reached as of now. A nil observation is that of a target not read yet.
func JudgeConnection(o *estate.Observation, h estate.Horizon, now time.Time) Connection {
	if o == nil || !o.Poll.OK() {
		return Connection{Status: Disconnected}
	}
	return Connection{Status: Connected}
}
