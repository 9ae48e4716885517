package api

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// patience is how long a stream client may not read, and not be heard of, before it is given up.
const patience = 60 * time.Second

// patientConn bounds how long a client does not read, rather than how long a message takes: a large state over a slow
// line may take minutes, as long as it moves.
type patientConn struct {
	net.Conn
	until time.Time // set for a single message; zero is patience for each part
}

const patientPart = 64 << 10

// Write writes in parts, each with a deadline of its own.
func (c *patientConn) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		started := time.Now()
		until := c.until
		if until.IsZero() {
			until = started.Add(patience)
		}
		if err := c.Conn.SetWriteDeadline(until); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(data[written:min(written+patientPart, len(data))])
		written += n
		if err != nil {
			return written, err
		}
		if waited := time.Since(started); waited >= time.Second {
			// It had to wait for the client to read, so the client lives, though its answers to pings, which come
			// behind this message, are still out.
			if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// SetWriteDeadline sets the deadline of the next message; zero leaves it to patience.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	c.until = t
	return nil
}

// patientHijacker hands over the connection as a [patientConn].
type patientHijacker struct{ http.ResponseWriter }

// Hijack takes the connection from the server.
func (h patientHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &patientConn{Conn: conn}, rw, nil
}
