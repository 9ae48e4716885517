package netguard

import "net/netip"

// metadata are the addresses at which clouds give credentials to whoever asks from inside a machine, beside
// those that are link-local.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true, // AWS, instances
	netip.MustParseAddr("fd00:ec2::23"):    true, // AWS, pods
	netip.MustParseAddr("fd20:ce::254"):    true, // Google Cloud
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba Cloud
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle Cloud
	netip.MustParseAddr("168.63.129.16"):   true, // Azure
}

// thisNetwork holds source addresses that are never a destination (RFC 1122); Linux takes the first for itself.
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// broadcast is the limited broadcast address (RFC 919).
var broadcast = netip.MustParseAddr("255.255.255.255")

// carriers are the IPv6 networks whose addresses lead to the IPv4 address inside them, which begins at a byte.
// Addresses mapped to IPv4 (::ffff:0:0/96) are netip's own business.
var carriers = []struct {
	prefix   netip.Prefix
	at       int
	inverted bool
}{
	{prefix: netip.MustParsePrefix("64:ff9b::/96"), at: 12},              // NAT64, RFC 6052
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: 12},            // NAT64 within one site, RFC 8215
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), at: 12},           // translated, RFC 2765
	{prefix: netip.MustParsePrefix("2002::/16"), at: 2},                  // 6to4, RFC 3056
	{prefix: netip.MustParsePrefix("2001::/32"), at: 12, inverted: true}, // Teredo, RFC 4380
	{prefix: netip.MustParsePrefix("::/96"), at: 12},                     // compatible, RFC 4291
}

// judge says why an address is refused, or nothing.
func judge(addr netip.Addr) string {
	addr = destination(addr)
	switch {
	case !addr.IsValid():
		return "not an IP address"
	case metadata[addr]:
		return "a cloud's metadata address"
	case addr.IsUnspecified(), thisNetwork.Contains(addr):
		return "not the address of a host"
	case addr.IsLinkLocalUnicast():
		return "a link-local address"
	case addr.IsMulticast():
		return "a multicast address"
	case addr == broadcast:
		return "the broadcast address"
	}
	return ""
}

// destination returns the address without its zone, and the IPv4 address instead of one that carries it.
func destination(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() || addr.IsUnspecified() || addr.IsLoopback() {
		return addr
	}
	for _, c := range carriers {
		if !c.prefix.Contains(addr) {
			continue
		}
		bytes := addr.As16()
		inner := [4]byte(bytes[c.at : c.at+4])
		if c.inverted {
			for i := range inner {
				inner[i] = ^inner[i]
			}
		}
		return netip.AddrFrom4(inner)
	}
	return addr
}
