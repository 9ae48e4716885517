package proxmox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// ticketRenewal is how long before its end a ticket is renewed, which needs the ticket to be valid still.
	ticketLife    = 2 * time.Hour
	ticketRenewal = 90 * time.Minute
	renewalRetry  = time.Minute
	// credentialPause is how long refused credentials are not tried again: each try costs the server 3 s, writes a
	// line into its log and may lock an account.
	credentialPause = time.Minute
	ticketPath      = "/access/ticket"
)

// ticket is what a login gives.
type ticket struct {
	value    Secret
	csrf     Secret
	obtained time.Time
}

// authenticator keeps what requests carry to prove who asks.
type authenticator struct {
	kind  Kind
	cred  Credential
	login chan struct{} // held by the one call that logs in

	mu         sync.Mutex
	current    ticket
	renewAfter time.Time
	proved     bool // it was accepted since it was last refused
	refused    *SuspendedError
}

func newAuthenticator(kind Kind, cred Credential) *authenticator {
	return &authenticator{kind: kind, cred: cred, login: make(chan struct{}, 1)}
}

// allow fails while refused credentials are left alone.
func (a *authenticator) allow() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused == nil || !time.Now().Before(a.refused.Until) {
		return nil
	}
	return a.refused
}

// accept takes note that the credential was good for a call.
func (a *authenticator) accept() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proved, a.refused = true, nil
}

func (a *authenticator) wasProved() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.proved
}

// refuse leaves the credential alone for a while.
func (a *authenticator) refuse(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proved = false
	a.refused = &SuspendedError{Until: time.Now().Add(credentialPause).UTC(), Cause: cause}
}

// held returns the ticket when it can be used without asking anyone.
func (a *authenticator) held() (t ticket, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.current.value == "" || now.Sub(a.current.obtained) >= ticketLife {
		return ticket{}, false
	}
	return a.current, now.Before(a.renewAfter)
}

func (a *authenticator) keep(t ticket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current, a.renewAfter = t, t.obtained.Add(ticketRenewal)
}

func (a *authenticator) postponeRenewal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewAfter = time.Now().Add(renewalRetry)
}

// drop forgets a ticket that was refused, unless another call replaced it already.
func (a *authenticator) drop(t ticket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.value == t.value {
		a.current = ticket{}
	}
}

// sign puts the credential onto a request.
func (a *authenticator) sign(req *http.Request, t ticket) {
	switch {
	case a.cred.usesToken() && a.kind == PBS:
		req.Header.Set("Authorization", "PBSAPIToken="+a.cred.TokenID+":"+escapeHeader(a.cred.TokenSecret.Reveal()))
	case a.cred.usesToken():
		req.Header.Set("Authorization", "PVEAPIToken="+escapeHeader(a.cred.TokenID+"="+a.cred.TokenSecret.Reveal()))
	default:
		req.Header.Set("Cookie", a.cookieName()+"="+escapeHeader(t.value.Reveal()))
		if req.Method != http.MethodGet {
			req.Header.Set("CSRFPreventionToken", t.csrf.Reveal())
		}
	}
}

func (a *authenticator) cookieName() string {
	if a.kind == PBS {
		return "PBSAuthCookie"
	}
	return "PVEAuthCookie"
}

// escapeHeader escapes what would end the value or be taken for an escape: servers undo percent signs in it.
func escapeHeader(value string) string {
	if !strings.ContainsAny(value, "%;, \"") {
		return value // as always, and every request needs it
	}
	return strings.NewReplacer("%", "%25", ";", "%3B", ",", "%2C", " ", "%20", `"`, "%22").Replace(value)
}

// secrets are the texts that must not leave the client.
func (a *authenticator) secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []string{
		a.cred.TokenSecret.Reveal(), a.cred.Password.Reveal(), a.current.value.Reveal(), a.current.csrf.Reveal(),
	}
}

// send makes a call with the credential it needs. A ticket that is refused is replaced once.
func (c *Client) send(ctx context.Context, at *endpoint, k call) (reply, error) {
	if k.public || c.auth.cred.usesToken() {
		return c.sendWith(ctx, at, k, ticket{})
	}
	if k.aside {
		t, fresh := c.auth.held()
		k.public = !fresh
		return c.sendWith(ctx, at, k, t)
	}
	t, err := c.ticket(ctx, at)
	if err != nil {
		return reply{}, err
	}
	r, err := c.sendWith(ctx, at, k, t)
	if err != nil || r.status != http.StatusUnauthorized {
		return r, err
	}
	c.recycle.give(r.body)
	c.auth.drop(t)
	if t, err = c.ticket(ctx, at); err != nil {
		return reply{}, err
	}
	return c.sendWith(ctx, at, k, t)
}

func (c *Client) sendWith(ctx context.Context, at *endpoint, k call, t ticket) (reply, error) {
	req, err := c.newRequest(ctx, http.MethodGet, at, k.path, k.query, nil)
	if err != nil {
		return reply{}, err
	}
	if !k.public {
		c.auth.sign(req, t)
	}
	limit := c.opt.Timeouts.Quick
	if k.slow {
		limit = c.opt.Timeouts.Slow
	}
	r, err := c.exchange(at, req, k.op, limit)
	if err != nil {
		return reply{}, c.transportFailure(k, at, err)
	}
	return r, nil
}

// ticket returns a valid ticket, logging in or renewing when needed. Calls that need one at the same time share it.
func (c *Client) ticket(ctx context.Context, at *endpoint) (ticket, error) {
	if t, fresh := c.auth.held(); fresh {
		return t, nil
	}
	release, err := acquire(ctx, c.auth.login)
	if err != nil {
		return ticket{}, c.callerGone(at, err)
	}
	defer release()
	old, fresh := c.auth.held()
	if fresh {
		return old, nil
	}
	if err := c.auth.allow(); err != nil {
		return ticket{}, err
	}
	if old.value != "" {
		t, err := c.login(ctx, at, old.value)
		switch {
		case err == nil:
			c.auth.keep(t)
			return t, nil
		case !errors.Is(err, ErrUnauthorized):
			c.auth.postponeRenewal()
			return old, nil
		}
	}
	t, err := c.login(ctx, at, c.auth.cred.Password)
	// Whoever waits for this login must not repeat it. A credential that was good a moment ago is judged further up.
	if errors.Is(err, ErrSecondFactor) || errors.Is(err, ErrUnauthorized) && !c.auth.wasProved() {
		c.auth.refuse(err)
	}
	if err != nil {
		return ticket{}, err
	}
	c.auth.keep(t)
	return t, nil
}

// login trades a password, or a ticket that is still valid, for a ticket.
func (c *Client) login(ctx context.Context, at *endpoint, password Secret) (ticket, error) {
	k := call{op: "log in", path: ticketPath}
	form := url.Values{"username": {c.auth.cred.User}, "password": {password.Reveal()}}
	req, err := c.newRequest(ctx, http.MethodPost, at, k.path, "", strings.NewReader(form.Encode()))
	if err != nil {
		return ticket{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// A login may be repeated, so the transport may retry it on a connection the server had just closed.
	req.Header["Idempotency-Key"] = nil
	obtained := time.Now()
	r, err := c.exchange(at, req, k.op, c.opt.Timeouts.Quick)
	if err != nil {
		return ticket{}, c.transportFailure(k, at, err)
	}
	defer c.recycle.give(r.body)
	if err := c.replyFailure(k, at, r); err != nil {
		return ticket{}, err
	}
	t := ticket{obtained: obtained}
	var second bool
	err = decodeEnvelope(r.body, anObject, func(s *scanner) { t.value, t.csrf, second = s.ticket() })
	switch {
	case err != nil:
		return ticket{}, c.decodeFailure(at, r, err)
	case second || strings.Contains(t.value.Reveal(), ":!tfa!"):
		return ticket{}, &Error{
			Member: at.base, Status: r.status, Kind: ErrSecondFactor,
			Message: fmt.Sprintf("the account %s has two-factor login; use an API token instead", c.auth.cred.User),
		}
	case t.value == "":
		return ticket{}, &Error{Member: at.base, Status: r.status, Kind: ErrMalformed, Message: "a login without a ticket"}
	}
	return t, nil
}

func (s *scanner) ticket() (value, csrf Secret, second bool) {
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "ticket":
			value = Secret(s.text())
		case "CSRFPreventionToken":
			csrf = Secret(s.text())
		case "NeedTFA":
			second = s.flag().Value
		default:
			s.skip()
		}
	}
	return value, csrf, second
}
