package proxmox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// publicPath answers without a credential.
func publicPath(kind Kind) string {
	if kind == PBS {
		return "/ping"
	}
	return "/access/domains"
}

// firstContact looks at the configured address before any credential goes there, when nothing is known yet about its
// certificate, and has what it offers pinned. A web server that is no Proxmox is found out on the way.
func (c *Client) firstContact(ctx context.Context, at *endpoint) error {
	if !at.preferred || c.opt.RoundTripper != nil || !c.trust.needsFirstContact() {
		return nil
	}
	release, err := acquire(ctx, c.contact)
	if err != nil {
		return c.callerGone(at, err)
	}
	defer release()
	if !c.trust.needsFirstContact() {
		return nil
	}
	offered, err := c.look(ctx, at)
	if err != nil {
		return err
	}
	if c.opt.Trust.Pin != nil {
		stored, err := c.opt.Trust.Pin(ctx, at.base, offered)
		if err != nil {
			return &Error{Member: at.base, Cause: err, Message: c.line(fmt.Sprintf("store the pin: %v", err))}
		}
		offered = stored
	}
	c.trust.setPin(offered)
	return nil
}

// Offered returns the fingerprint of the certificate that the configured address offers now, whether it is to be
// trusted or not. No credential is sent. What is not Proxmox's is an error that matches [ErrNotProxmox] or
// [ErrWrongKind].
func Offered(ctx context.Context, opt Options) (Fingerprint, error) {
	c, err := New(opt)
	if err != nil {
		return Fingerprint{}, err
	}
	defer c.Close()
	return c.look(ctx, c.preferred)
}

// look makes a request without a credential and without judging the certificate, and returns what was offered.
func (c *Client) look(ctx context.Context, at *endpoint) (Fingerprint, error) {
	k := call{op: "make first contact", path: publicPath(c.opt.Kind), public: true}
	var mu sync.Mutex
	var offered Fingerprint
	tr := c.newTransport(func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return &CertificateError{Address: at.base, Reason: errors.New("no certificate was offered")}
		}
		mu.Lock()
		defer mu.Unlock()
		offered = FingerprintOf(state.PeerCertificates[0])
		return nil
	})
	defer tr.CloseIdleConnections()
	req, err := c.newRequest(ctx, http.MethodGet, at, k.path, "", nil)
	if err != nil {
		return Fingerprint{}, err
	}
	stranger := &endpoint{base: at.base, rt: tr}
	r, err := c.exchange(stranger, req, k.op, c.opt.Timeouts.Quick)
	if err != nil {
		return Fingerprint{}, c.transportFailure(k, at, err)
	}
	defer c.recycle.give(r.body)
	if err := c.replyFailure(k, at, r); errors.Is(err, ErrNotProxmox) || errors.Is(err, ErrWrongKind) {
		return Fingerprint{}, err
	}
	mu.Lock()
	defer mu.Unlock()
	return offered, nil
}

// knock finds out whether a member can be reached, without a credential.
func (c *Client) knock(ctx context.Context, at *endpoint) {
	k := call{op: "knock at a member", path: publicPath(c.opt.Kind), public: true}
	started := time.Now()
	_, err := c.ask(ctx, at, k, acceptAny)
	if ctx.Err() == nil || time.Since(started) > c.opt.Timeouts.Connect {
		c.account(context.WithoutCancel(ctx), at, k, time.Since(started), err)
	}
}
