package proxmox

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
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
	// DialContext opens connections; nil is a plain dialer with a time-out of 3 s. Address rules belong here.
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
	// Connect bounds connecting, handshake included; default 5 s.
	Connect time.Duration
	// Quick bounds calls that the asked member answers from memory or local files; default 8 s. It must exceed the 3 s
	// by which failed logins are delayed.
	Quick time.Duration
	// Slow bounds calls that another node or the privileged daemon answers; default 35 s, just above the 30 s after
	// which the member asked gives up itself and says so.
	Slow time.Duration
}
