package sim

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"syscall"
)

// RoundTrip answers a request without any connection: no TLS, no goroutine, no
// need to start the estate. The host of the request's URL chooses the server; an
// estate with InMemory has fixed addresses before it is started. It implements
// [http.RoundTripper] for tests under testing/synctest; an error is what a
// failed dial or an ended context would give.
func (e *Estate) RoundTrip(r *http.Request) (*http.Response, error) {
	p := e.at(r.URL.Host)
	if p == nil || p.refuses() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: memoryAddress(r.URL.Host), Err: syscall.ECONNREFUSED}
	}
	ctx := r.Context()
	req := &request{Request: r}
	if r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		req.body = body
	}
	if err := p.awake(ctx); err != nil {
		return nil, err
	}
	out := p.handle(ctx, req)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	writer := bufio.NewWriter(&wire)
	if err := p.write(writer, req, out, p.now(), true); err != nil {
		return nil, err
	}
	if err := writer.Flush(); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(&wire), r)
}

// at finds the server of an address; nil when there is none.
func (e *Estate) at(address string) *endpoint {
	for _, p := range e.endpoints() {
		if p.address() == address {
			return p
		}
	}
	return nil
}
