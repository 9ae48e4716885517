package proxmox

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
)

// dialer is a [net.Dialer]'s DialContext, or another way to connect.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// secured adds TLS to a way to connect.
func (c *Client) secured(dial dialer, config *tls.Config) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		own := config.Clone()
		if own.ServerName, _, err = net.SplitHostPort(address); err == nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.opt.Timeouts.Handshake)
			defer cancel()
			secure := tls.Client(conn, own)
			if err = secure.HandshakeContext(ctx); err == nil {
				return &keptConn{Conn: secure}, nil
			}
		}
		_ = conn.Close() // the first error tells more
		return nil, err
	}
}

// keptConn is a connection that stays open after replies which come from behind the proxy of a PVE member, from its
// privileged daemon or another node. The proxy passes on that daemon's "Connection: close", which speaks of the
// connection between the two, and adds its own "Keep-Alive" for this one. Go goes by the first, as the standard has it, so
// that each such reply would cost both sides another TLS handshake, more than everything else about it.
type keptConn struct {
	net.Conn

	asked atomic.Bool // a request was written and nothing read since
}

// Write implements [net.Conn].
func (c *keptConn) Write(data []byte) (int, error) {
	c.asked.Store(true)
	return c.Conn.Write(data)
}

// Read implements [net.Conn].
func (c *keptConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 && c.asked.Swap(false) {
		n = dropPassedOnClose(data[:n])
	}
	return n, err
}

// dropPassedOnClose takes a "Connection: close" that was passed on out of the beginning of a reply, in place, and returns
// what length is left. Only the very lines that the proxy writes count, and only when the whole header came in one piece,
// as it does; anything else stays as it is and is merely slower.
func dropPassedOnClose(data []byte) int {
	header, _, whole := bytes.Cut(data, []byte("\r\n\r\n"))
	if !whole || !bytes.HasPrefix(header, []byte("HTTP/1.1 ")) {
		return len(data)
	}
	for _, passedOn := range []string{
		"\r\nConnection: close",
		"\r\nConnection: close,Keep-Alive", // through two proxies
	} {
		if at := bytes.Index(header, []byte(passedOn+"\r\nConnection: Keep-Alive")); at >= 0 {
			return at + copy(data[at:], data[at+len(passedOn):])
		}
	}
	return len(data)
}
