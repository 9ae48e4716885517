package proxmox

import "time"

// UPID is a parsed task id. PVE has eight fields, PBS nine.
type UPID struct {
	Node   string
	PID    uint32
	PStart uint64
	// TaskID counts tasks of one PBS process; PBS tells that the ninth field was there.
	TaskID uint64
	PBS    bool
	// Start is when the task began, in UTC.
	Start time.Time
	Kind  string
	// WorkerID is unescaped; empty for tasks without one.
	WorkerID string
	// User is with realm; TokenName is what follows "!".
	User      string
	TokenName string
}
