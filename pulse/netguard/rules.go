package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Rules say which addresses may be connected to, and how long a connection may take. Make them with
// [Proxmox]; the zero Rules refuse the same addresses and have no time-out of their own.
type Rules struct {
	// Resolver looks names up; nil is [net.DefaultResolver].
	Resolver *net.Resolver
	// Timeout bounds the look-up of a name and the connection attempts to all its addresses together; 0 leaves
	// it to the context.
	Timeout time.Duration
}

// Proxmox returns the rules for connections to Proxmox hosts, with a time-out of 5 s.
func Proxmox() Rules { return Rules{Timeout: 5 * time.Second} }

// RefusedError reports an address that the rules do not allow.
type RefusedError struct {
	Host string     // what was asked for, without its port
	Addr netip.Addr // what it resolved to; invalid when the network is refused whatever the address
	Why  string     // as "a link-local address"
}

// Error says what was refused and why, as one sentence.
func (e *RefusedError) Error() string {
	if !e.Addr.IsValid() || e.Host == e.Addr.String() {
		return fmt.Sprintf("refusing to connect to %s: %s", e.Host, e.Why)
	}
	return fmt.Sprintf("refusing to connect to %s (%s): %s", e.Host, e.Addr, e.Why)
}

// DialContext connects to host:port over TCP, as [net.Dialer.DialContext] does with names of several addresses
// (IPv6 and IPv4 are raced), but only to allowed addresses. The error is a [*RefusedError] when the rules stood
// in the way, and otherwise the dialer's.
func (r Rules) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &RefusedError{Host: host, Why: "only TCP is allowed"}
	}
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	gate := &gate{}
	dialer := net.Dialer{Resolver: r.Resolver, ControlContext: gate.control}
	conn, err := dialer.DialContext(ctx, network, address)
	var refused *RefusedError
	if err == nil || !errors.As(err, &refused) {
		return conn, err
	}
	if allowed := gate.firstAllowed(); allowed != "" {
		// Of several addresses the dialer reports only the first one's error, and it is the allowed one's that
		// tells what is wrong.
		return dialer.DialContext(ctx, network, allowed)
	}
	return nil, &RefusedError{Host: host, Addr: refused.Addr, Why: refused.Why}
}

// gate judges the addresses of one dial; several may be tried at the same time.
type gate struct {
	mu      sync.Mutex
	allowed string
}

// control judges the address of a socket that is about to connect.
func (g *gate) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Host: address, Why: "not an IP address"}
	}
	if err := judged(to.Addr().String(), to.Addr()); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed == "" {
		g.allowed = address
	}
	return nil
}

func (g *gate) firstAllowed() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.allowed
}

// CheckHost tells early whether [Rules.DialContext] can connect to a host: an IP address, with or without
// brackets, or a name, which is looked up. A name passes if one of its addresses is allowed, since the others are
// then left alone. The error is a [*RefusedError], or the resolver's.
func (r Rules) CheckHost(ctx context.Context, host string) error {
	if addr, err := netip.ParseAddr(unbracketed(host)); err == nil {
		return judged(host, addr)
	}
	addrs, err := r.lookUp(ctx, host)
	if err != nil {
		return fmt.Errorf("check host: %w", err) // the resolver's text names the host
	}
	var first error
	for _, addr := range addrs {
		err := judged(host, addr)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (r Rules) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	resolver := r.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	return resolver.LookupNetIP(ctx, "ip", host)
}

func (r Rules) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, r.Timeout)
}

// judged returns the judgement on an address as an error.
func judged(host string, addr netip.Addr) error {
	if why := judge(addr); why != "" {
		return &RefusedError{Host: unbracketed(host), Addr: addr, Why: why}
	}
	return nil
}

func unbracketed(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}
