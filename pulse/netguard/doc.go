// Package netguard keeps Pulse from connecting to addresses that nobody means to monitor, whatever a
// configured host name resolves to.
//
// Whoever may add a target chooses where Pulse connects to and reads part of the answer. [Rules] therefore
// judge addresses: private networks and loopback are where Proxmox lives and are allowed; link-local and
// cloud metadata addresses, the unspecified address, multicast and broadcast are not. An IPv4 address carried
// inside an IPv6 one (mapped, NAT64, 6to4, Teredo) is judged as the IPv4 address it leads to.
//
// [Rules.DialContext] judges the address that is about to be connected to, after resolution and for every
// attempt, so a name that resolves differently the second time gains nothing. [Rules.CheckHost] asks earlier,
// to tell a person at once. Redirects are another way to a refused address: a client that uses the rules either
// follows none, or dials by the rules for each.
//
// Rules are values and safe for concurrent use. The package imports only the standard library and is for
// embedders.
package netguard
