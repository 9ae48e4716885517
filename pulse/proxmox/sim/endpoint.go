package sim

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	maxRequestsPerConnection = 100
	maxRequestBody           = 512 << 10
	handshakeTimeout         = 10 * time.Second
	firstByteOfTLS           = 0x16
)

// endpoint is one listening address with the HTTP server behind it. The server
// is its own because net/http neither sends a reason phrase nor repeats a
// header the way pveproxy does.
type endpoint struct {
	ip      string
	port    int
	idle    time.Duration
	handle  func(context.Context, *request) *reply
	write   func(*bufio.Writer, *request, *reply, time.Time, bool) error
	now     func() time.Time
	counted bool // requests per connection are limited

	mu       sync.Mutex
	cert     *certificate
	refusing bool // connections are refused until it is reopened
	listener net.Listener
	conns    map[net.Conn]struct{}
	wake     chan struct{} // closed when hung ends; nil while it answers
}

// request is a request as the API handlers see it.
type request struct {
	*http.Request
	body []byte
}

// address is where the endpoint listens.
func (p *endpoint) address() string { return net.JoinHostPort(p.ip, strconv.Itoa(p.port)) }

// url is the address as a client is configured with it.
func (p *endpoint) url() string { return "https://" + p.address() }

// certificateNow is the certificate shown to new connections.
func (p *endpoint) certificateNow() *certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cert
}

// show replaces the certificate and closes all connections, as a restart of
// the server does.
func (p *endpoint) show(c *certificate) {
	p.mu.Lock()
	p.cert = c
	p.mu.Unlock()
	p.hangUp()
}

// hang makes the endpoint accept and never answer, until it is called with false.
func (p *endpoint) hang(hung bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case hung && p.wake == nil:
		p.wake = make(chan struct{})
	case !hung && p.wake != nil:
		close(p.wake)
		p.wake = nil
	}
}

// awake waits while the endpoint is hung.
func (p *endpoint) awake(ctx context.Context) error {
	for {
		p.mu.Lock()
		wake := p.wake
		p.mu.Unlock()
		if wake == nil {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// accept serves connections of l until it is closed, and waits for them.
func (p *endpoint) accept(ctx context.Context, l net.Listener) {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conns.Go(func() {
			defer p.forget(conn)
			if p.remember(conn, l) {
				p.serve(ctx, conn)
			}
		})
	}
}

// remember keeps a connection so that it can be cut; false when the listener
// closed meanwhile.
func (p *endpoint) remember(conn net.Conn, l net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != l {
		return false
	}
	if p.conns == nil {
		p.conns = map[net.Conn]struct{}{}
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *endpoint) forget(conn net.Conn) {
	p.mu.Lock()
	delete(p.conns, conn)
	p.mu.Unlock()
	_ = conn.Close()
}

// hangUp closes all connections.
func (p *endpoint) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// refuse shuts the endpoint and keeps it shut over a restart of the estate.
func (p *endpoint) refuse() {
	p.mu.Lock()
	p.refusing = true
	p.mu.Unlock()
	p.shut()
}

func (p *endpoint) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusing
}

// shut stops listening and closes all connections.
func (p *endpoint) shut() {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	p.hangUp()
}

// serve answers the requests of one connection.
func (p *endpoint) serve(ctx context.Context, conn net.Conn) {
	if p.awake(ctx) != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	peeked := &peekedConn{Conn: conn, reader: bufio.NewReader(conn)}
	first, err := peeked.reader.Peek(1)
	if err != nil {
		return
	}
	if first[0] != firstByteOfTLS {
		p.redirect(peeked)
		return
	}
	secure := tls.Server(peeked, &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.certificateNow().tls(), nil
		},
	})
	if secure.HandshakeContext(ctx) != nil {
		return
	}
	defer func() { _ = secure.Close() }()
	_ = conn.SetDeadline(time.Time{})
	p.converse(ctx, secure)
}

// converse reads requests and writes replies until either side has enough.
func (p *endpoint) converse(ctx context.Context, conn net.Conn) {
	reader := bufio.NewReader(conn)
	writer := bufio.NewWriterSize(conn, 32<<10)
	for n := 1; ; n++ {
		_ = conn.SetReadDeadline(time.Now().Add(p.idle))
		in, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		req := &request{Request: in.WithContext(ctx)}
		out := p.take(ctx, req)
		if out == nil {
			return
		}
		last := out.status >= 400 || in.Close || (p.counted && n == maxRequestsPerConnection)
		if p.write(writer, req, out, p.now(), last) != nil || writer.Flush() != nil || last {
			return
		}
	}
}

// take reads the rest of a request and answers it; nil to hang up.
func (p *endpoint) take(ctx context.Context, req *request) *reply {
	if len(req.TransferEncoding) > 0 {
		return &reply{status: http.StatusNotImplemented, reason: "chunked transfer encoding not supported"}
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBody+1))
	if err != nil {
		return nil
	}
	if len(body) > maxRequestBody {
		return &reply{status: http.StatusRequestEntityTooLarge, reason: "for data too large"}
	}
	req.body = body
	if p.awake(ctx) != nil {
		return nil
	}
	out := p.handle(ctx, req)
	if ctx.Err() != nil || p.awake(ctx) != nil {
		return nil
	}
	return out
}

// redirect answers plain HTTP on the TLS port.
func (p *endpoint) redirect(conn *peekedConn) {
	req, err := http.ReadRequest(conn.reader)
	if err != nil {
		return
	}
	code := "301 Moved Permanently"
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		code = "308 Permanent Redirect"
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 "+code+"\r\nLocation: "+p.url()+req.URL.RequestURI()+
		"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

// peekedConn is a connection whose first bytes were looked at.
type peekedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements net.Conn.
func (c *peekedConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

// pause waits for d; an error tells that ctx ended first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
