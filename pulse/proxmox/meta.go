package proxmox

import "time"

// Meta tells where a reply came from. After a failed call the fields known so far are set.
type Meta struct {
	// At is when the reply had been received whole, by this machine's clock, in UTC.
	At time.Time
	// ServerTime is the server's clock (Date header, whole seconds, UTC); zero when it was not sent.
	ServerTime time.Time
	// Member is the base URL of the member that answered, such as "https://192.0.2.11:8006".
	Member string
	// Took is from the start of the call to its end: waiting for a slot, connecting, logging in and retries included.
	Took time.Duration
	// Bytes is the length of the body after decompression.
	Bytes int
}

// CallStats is what [Options.Observe] is told about each HTTP request that was tried.
type CallStats struct {
	// Op is the operation, such as "read cluster resources".
	Op string
	// Member is the base URL of the member asked.
	Member string
	// Status is the HTTP status; 0 when there was no reply.
	Status int
	// Took is from sending to the end of the body.
	Took time.Duration
	// Bytes is the length of the body after decompression.
	Bytes int
	// Err is nil for a reply of status 2xx that was read whole.
	Err error
}
