package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress returns the address a request comes from: the peer's, or what a trusted proxy says about it. It is the
// zero Addr where the peer has none, as on a Unix socket.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	address := peerAddress(r.RemoteAddr)
	if len(trusted) == 0 {
		return address
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !contains(trusted, address) {
			return address
		}
		next := peerAddress(strings.TrimSpace(hop))
		if !next.IsValid() {
			return address
		}
		address = next
	}
	return address
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	return address.IsValid() && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

// peerAddress reads an address with or without a port.
func peerAddress(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}
