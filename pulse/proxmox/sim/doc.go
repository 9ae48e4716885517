// Package sim is a simulated estate of Proxmox VE clusters and Proxmox Backup
// Servers. It answers over real HTTPS with real authentication, so that a
// client is exercised whole: TLS, tickets, tokens, permissions, fail-over,
// number quirks and error texts. Tests, examples and the demonstration mode
// use it.
//
// Every value is computed from the seed and a tick number, the way pvestatd
// publishes numbers every ten seconds: two estates with the same [Config] and
// the same clock give the same answers, and nothing runs between requests.
// Lists such as /cluster/resources lag behind an event until the next tick,
// while a guest's own status is live.
//
// Each PVE member listens on its own loopback address (127.17.cluster.member)
// and all members of a cluster share one port, so that a client that learns
// addresses from /cluster/status can fail over as it does in real life. Where
// only 127.0.0.1 exists, members get ports of their own instead.
//
// Three ways lead in: sockets after [Estate.Start], connections in memory with
// [Config.InMemory] and [Estate.DialContext] (TLS included, also on fake time),
// and [Estate.RoundTrip] without any connection. [Estate.Control] steers an
// estate from another process.
//
// PVE answers follow version 9.2 of Proxmox VE; PBS answers follow version 4.
// All methods of [Estate] are safe for concurrent use. The package is for this
// project's own tests and demonstration; it may change.
package sim
