package sim

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memoryWindow is how much one side may write before the other reads, as a socket's buffers allow. Without any, both
// ends of a TLS handshake that fails would wait for each other.
const memoryWindow = 256 << 10

// memoryConn is one end of a connection in memory. It may be used under testing/synctest.
type memoryConn struct {
	local, remote memoryAddress
	in, out       *memoryStream
}

// memoryPipe returns the two ends of a connection.
func memoryPipe(client, server memoryAddress) (net.Conn, net.Conn) {
	up, down := newMemoryStream(), newMemoryStream()
	return &memoryConn{local: client, remote: server, in: down, out: up},
		&memoryConn{local: server, remote: client, in: up, out: down}
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *memoryConn) LocalAddr() net.Addr         { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr        { return c.remote }

func (c *memoryConn) Close() error {
	c.in.close()
	c.out.close()
	return nil
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// memoryStream carries bytes one way.
type memoryStream struct {
	mu      sync.Mutex
	moved   *sync.Cond // something below changed
	waiting []byte
	closed  bool
	readBy  memoryDeadline
	writeBy memoryDeadline
}

// memoryDeadline is when an operation gives up.
type memoryDeadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *memoryDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newMemoryStream() *memoryStream {
	s := &memoryStream{}
	s.moved = sync.NewCond(&s.mu)
	return s
}

func (s *memoryStream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) == 0 {
		switch {
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case s.closed:
			return 0, io.EOF
		}
		s.moved.Wait()
	}
	n := copy(p, s.waiting)
	s.waiting = s.waiting[n:]
	s.moved.Broadcast()
	return n, nil
}

func (s *memoryStream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		switch room := memoryWindow - len(s.waiting); {
		case s.closed:
			return n, io.ErrClosedPipe
		case s.writeBy.passed():
			return n, os.ErrDeadlineExceeded
		case room == 0:
			s.moved.Wait()
		default:
			part := min(room, len(p))
			s.waiting = append(s.waiting, p[:part]...)
			p, n = p[part:], n+part
			s.moved.Broadcast()
		}
	}
	return n, nil
}

// close ends the stream; what was written before can still be read.
func (s *memoryStream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, d := range []*memoryDeadline{&s.readBy, &s.writeBy} {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	s.moved.Broadcast()
}

func (s *memoryStream) setDeadline(d *memoryDeadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() && !s.closed {
		d.timer = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.moved.Broadcast()
		})
	}
	s.moved.Broadcast()
}
