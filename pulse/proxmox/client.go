package proxmox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client talks to one target. See the package comment for what it does and does not.
type Client struct {
	opt     Options
	trust   *trustState
	auth    *authenticator
	breaker *breaker
	recycle recycler

	contact chan struct{} // held while the first contact is made

	mu        sync.Mutex
	closed    bool
	preferred *endpoint
	others    []*endpoint // learned members, in the order to try them
	active    *endpoint
	learned   Learned
}

// New checks the options and returns a client. It does no I/O and starts nothing. It fails with [ErrInvalid].
func New(opt Options) (*Client, error) {
	opt, err := opt.normalized()
	if err != nil {
		return nil, fmt.Errorf("proxmox client: %w", err)
	}
	c := &Client{
		opt: opt, trust: newTrustState(opt.Trust), auth: newAuthenticator(opt.Kind, opt.Credential),
		breaker: newBreaker(), contact: make(chan struct{}, 1),
	}
	c.preferred = c.newEndpoint(opt.Address, "", true)
	c.active = c.preferred
	c.learned = Learned{Members: slices.Clone(opt.Trust.Known), CA: slices.Clone(opt.Trust.CA)}
	c.setMembers(opt.Trust.Known, "")
	return c, nil
}

// Address is the configured address in its normalized form.
func (c *Client) Address() string { return c.opt.Address }

// Close ends idle connections. Calls after it fail with [ErrClosed]; calls under way end as their contexts do.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.preferred.idle()
	for _, e := range c.others {
		e.idle()
	}
}

// call describes one GET.
type call struct {
	op    string
	kind  Kind   // "" for both
	path  string // below the API root, escaped
	query string
	// node is the one the path names; empty when the member asked answers for itself.
	node string
	// slow calls may take as long as the member asked waits for another node or the privileged daemon.
	slow bool
	// protected calls are answered by the privileged daemon of a node, which may be down alone.
	protected bool
	// public calls need no credential.
	public bool
	// aside calls look at a member beside the call that matters: how they end says nothing about the credential.
	aside bool
}

// get makes a call and hands the body of a good reply to decode, which must not keep it.
func (c *Client) get(ctx context.Context, k call, decode func(body []byte) error) (Meta, error) {
	started := time.Now()
	meta, err := c.guarded(ctx, k, decode)
	meta.Took = time.Since(started)
	return meta, err
}

// guarded makes a call unless earlier failures say not to.
func (c *Client) guarded(ctx context.Context, k call, decode func(body []byte) error) (Meta, error) {
	if k.kind != "" && k.kind != c.opt.Kind {
		e := &Error{Kind: ErrWrongKind, Message: "only " + strings.ToUpper(string(k.kind)) + " has this call"}
		return Meta{}, named(k, e)
	}
	if !k.public {
		if err := c.auth.allow(); err != nil {
			return Meta{}, named(k, err)
		}
	}
	trial, err := c.breaker.allow(k)
	if err != nil {
		return Meta{}, named(k, err)
	}
	if trial {
		k.slow = false // whether the node answers again shows soon enough
	}
	wait := c.lookAside(ctx)
	defer wait()
	meta, err := c.failover(ctx, k, decode)
	c.breaker.record(k, trial, err)
	return meta, err
}

// named puts the operation into an error that was made without knowing it.
func named(k call, err error) error {
	e, ok := err.(*Error) //nolint:errorlint // an error further down is not this call's own
	if !ok {
		return &Error{Op: k.op, Path: k.path, Cause: err, Message: err.Error()}
	}
	complete := *e // e may be kept elsewhere by now
	complete.Op, complete.Path = k.op, k.path
	return &complete
}

// ask makes a call at one member.
func (c *Client) ask(ctx context.Context, at *endpoint, k call, decode func(body []byte) error) (Meta, error) {
	meta := Meta{Member: at.base}
	if err := c.askInto(ctx, at, k, decode, &meta); err != nil {
		return meta, named(k, err)
	}
	return meta, nil
}

func (c *Client) askInto(ctx context.Context, at *endpoint, k call, decode func(body []byte) error, meta *Meta) error {
	release, err := c.reserve(ctx, at, k)
	if err != nil {
		return c.callerGone(at, err)
	}
	defer release()
	if err := c.firstContact(ctx, at); err != nil {
		return err
	}
	r, err := c.send(ctx, at, k)
	if err != nil {
		return err
	}
	defer func() { c.recycle.give(r.body) }()
	meta.At, meta.ServerTime, meta.Bytes = r.at, serverTime(r.header), len(r.body)
	if err := c.replyFailure(k, at, r); err != nil {
		return err
	}
	if err := decode(r.body); err != nil {
		return c.decodeFailure(at, r, err)
	}
	return nil
}

// reserve takes the slots a call needs. Calls that another node or a privileged daemon answers go one at a time, so that
// a node that hangs cannot take every slot, and no daemon is asked two things at once.
func (c *Client) reserve(ctx context.Context, at *endpoint, k call) (release func(), err error) {
	leave := func() {}
	if k.slow || k.node != "" {
		if leave, err = acquire(ctx, at.slow); err != nil {
			return nil, err
		}
	}
	free, err := acquire(ctx, at.slots)
	if err != nil {
		leave()
		return nil, err
	}
	return func() { free(); leave() }, nil
}
