package proxmox

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	// requestsPerMember leaves a PVE node one of its three workers. A PBS answers in one process with many threads.
	requestsPerMember    = 2
	requestsPerPBS       = 4
	idleTimeout          = 4 * time.Second // the server closes after 5 s
	maxReplyHeaderBytes  = 64 << 10
	firstPause           = 10 * time.Second // how long a failed member is left alone at first
	longestPause         = 5 * time.Minute
	timeoutsUntilSwitch  = 2
	memberProbeEvery     = time.Minute
	healthBeforeGoBack   = 5 * time.Minute
	probeGrace           = time.Second // how long a call waits for the looks beside it
	membersTriedPerCall  = 4
	avoidPause           = time.Minute
	handshakesAtOneTime  = 4
	tlsRecordHeaderError = "first record does not look like a TLS handshake"
)

// endpoint is one way into the target: the configured address or a learned member. Its mutable part is guarded by the
// client's mutex.
type endpoint struct {
	base      string
	name      string // node name; empty until it is known
	preferred bool
	rt        http.RoundTripper
	idle      func() // closes idle connections
	slots     chan struct{}
	slow      chan struct{} // keeps one slot free of calls that may hang

	health memberHealth
}

type memberHealth struct {
	lastOK, lastFailure time.Time
	err                 error
	timeouts            int       // in a row
	failures            int       // in a row
	pausedUntil         time.Time // not tried before, unless nothing else is left
	healthySince        time.Time // of the preferred one while another is active
	lastProbe           time.Time
}

func (c *Client) newEndpoint(base, name string, preferred bool) *endpoint {
	slots := c.requestsAtOnce()
	e := &endpoint{
		base: base, name: name, preferred: preferred,
		slots: make(chan struct{}, slots), slow: make(chan struct{}, slots-1), idle: func() {},
	}
	if c.opt.RoundTripper != nil {
		e.rt = c.opt.RoundTripper(base)
		return e
	}
	tr := c.newTransport(func(state tls.ConnectionState) error { return c.trust.judge(e, state) })
	e.rt, e.idle = tr, tr.CloseIdleConnections
	return e
}

func (c *Client) requestsAtOnce() int {
	if c.opt.Kind == PBS {
		return requestsPerPBS
	}
	return requestsPerMember
}

// newTransport builds a transport that leaves all judgement of certificates to judge.
func (c *Client) newTransport(judge func(tls.ConnectionState) error) *http.Transport {
	connect := c.opt.DialContext
	if connect == nil {
		connect = (&net.Dialer{}).DialContext
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, c.opt.Timeouts.Connect)
		defer cancel()
		return connect(ctx, network, address)
	}
	secure := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The standard check is replaced, not left out: VerifyConnection runs in every handshake.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection:   judge,
	}
	return &http.Transport{
		DialContext:    dial,
		DialTLSContext: c.secured(dial, secure),
		Proxy:          c.opt.Proxy,
		// For connections through an HTTP proxy, which the transport secures itself.
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    c.opt.Timeouts.Handshake,
		IdleConnTimeout:        idleTimeout,
		MaxConnsPerHost:        c.requestsAtOnce(),
		MaxIdleConnsPerHost:    c.requestsAtOnce(),
		MaxResponseHeaderBytes: maxReplyHeaderBytes,
		// Replies are unpacked by the client, which bounds what comes out.
		DisableCompression: true,
		// PVE speaks HTTP/1.1 only; an empty map keeps HTTP/2 from being offered.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// acquire takes a slot, waiting until ctx ends. Whoever got one calls the function returned.
func acquire(ctx context.Context, slots chan struct{}) (func(), error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
