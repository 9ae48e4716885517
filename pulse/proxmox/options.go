package proxmox

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Kind is the product a target runs.
type Kind string

// The kinds.
const (
	// PVE is Proxmox VE.
	PVE Kind = "pve"
	// PBS is Proxmox Backup Server.
	PBS Kind = "pbs"
)

// Options say what to connect to and how. Kind, Address and Credential are required; every zero value elsewhere picks
// the default.
type Options struct {
	Kind Kind
	// Address is any form [NormalizeAddress] takes.
	Address    string
	Credential Credential
	Trust      Trust
	// DialContext opens connections; nil is a plain dialer. Address rules belong here.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy picks an HTTP proxy per request as in [http.Transport]; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// Timeouts bound a request; zero fields take the defaults.
	Timeouts Timeouts
	// MaxReplyBytes bounds a reply after decompression; default 64 MiB.
	MaxReplyBytes int64
	// UserAgent is sent with each request; default "pulse".
	UserAgent string
	// Observe is told about each request tried; nil tells nobody. It must not block.
	Observe func(CallStats)
	// RoundTripper replaces the transport of a member; nil builds one per member under Trust. With it neither Trust
	// nor DialContext nor Proxy is used: it is for in-process servers.
	RoundTripper func(member string) http.RoundTripper
}

// Timeouts bound a request by the class of its call.
type Timeouts struct {
	// Connect bounds opening a TCP connection; default 3 s.
	Connect time.Duration
	// Handshake bounds the TLS handshake; default 5 s.
	Handshake time.Duration
	// Quick bounds calls that the asked member answers from memory or local files; default 8 s. It must exceed the 3 s
	// by which failed logins are delayed.
	Quick time.Duration
	// Slow bounds calls that another node or the privileged daemon answers; default 35 s, just above the 30 s after
	// which the member asked gives up itself and says so.
	Slow time.Duration
}

const (
	defaultConnect   = 3 * time.Second
	defaultHandshake = 5 * time.Second
	defaultQuick     = 8 * time.Second
	defaultSlow      = 35 * time.Second
	defaultMaxReply  = 64 << 20
	defaultUserAgent = "pulse"
)

// normalized checks the options and fills in the defaults. It fails with [ErrInvalid] and never repeats a secret.
func (o Options) normalized() (Options, error) {
	address, err := NormalizeAddress(o.Kind, o.Address)
	if err != nil {
		return Options{}, err
	}
	o.Address = address
	if o.Credential, err = o.Credential.normalized(); err != nil {
		return Options{}, err
	}
	o.Timeouts.Connect = cmp.Or(o.Timeouts.Connect, defaultConnect)
	o.Timeouts.Handshake = cmp.Or(o.Timeouts.Handshake, defaultHandshake)
	o.Timeouts.Quick = cmp.Or(o.Timeouts.Quick, defaultQuick)
	o.Timeouts.Slow = cmp.Or(o.Timeouts.Slow, defaultSlow)
	o.MaxReplyBytes = cmp.Or(o.MaxReplyBytes, defaultMaxReply)
	o.UserAgent = cmp.Or(o.UserAgent, defaultUserAgent)
	t := o.Timeouts
	if min(t.Connect, t.Handshake, t.Quick, t.Slow) < 0 || o.MaxReplyBytes < 0 {
		return Options{}, fmt.Errorf("%w options: a time-out or limit is negative", ErrInvalid)
	}
	if strings.ContainsFunc(o.UserAgent, unicode.IsControl) {
		return Options{}, fmt.Errorf("%w options: the user agent holds a control character", ErrInvalid)
	}
	if o.Trust.Verify < VerifyAuto || o.Trust.Verify > VerifyOff {
		return Options{}, fmt.Errorf("%w options: unknown way to verify certificates", ErrInvalid)
	}
	return o, nil
}

// normalized trims what pasting adds and checks that one of the two ways to log in is complete.
func (c Credential) normalized() (Credential, error) {
	c.User = strings.TrimSpace(c.User)
	c.TokenID = strings.TrimSpace(c.TokenID)
	c.TokenSecret = Secret(strings.TrimSpace(c.TokenSecret.Reveal()))
	for _, text := range []string{c.User, c.TokenID, c.TokenSecret.Reveal()} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return Credential{}, fmt.Errorf("%w credential: it holds a control character", ErrInvalid)
		}
	}
	if c.usesToken() {
		user, name, ok := strings.Cut(c.TokenID, "!")
		if !ok || name == "" || !hasRealm(user) {
			return Credential{}, fmt.Errorf("%w credential: a token id looks like user@realm!name", ErrInvalid)
		}
		if c.TokenSecret == "" {
			return Credential{}, fmt.Errorf("%w credential: the token's secret is missing", ErrInvalid)
		}
		return c, nil
	}
	if !hasRealm(c.User) {
		return Credential{}, fmt.Errorf("%w credential: a user looks like name@realm, such as root@pam", ErrInvalid)
	}
	if c.Password == "" {
		return Credential{}, fmt.Errorf("%w credential: the password is missing", ErrInvalid)
	}
	return c, nil
}

func hasRealm(user string) bool {
	at := strings.LastIndexByte(user, '@')
	return at > 0 && at < len(user)-1
}
