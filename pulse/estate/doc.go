// Package estate holds what Pulse observes: the nodes, guests and storages of a Proxmox VE cluster,
// the datastores of a Proxmox Backup Server, and how old each reading is.
//
// An [Observation] is everything known about one target at one time. It is a value: whoever receives one
// may read it from any goroutine and must not change it; a new pass makes a new one. Observations are
// encoded as JSON in the store, so a field may be added but never change its meaning.
//
// Three rules hold everywhere. A value that Proxmox did not send is absent ([Opt]), never zero. Sizes are
// bytes, times are UTC, CPU is a fraction. Identity ([GuestKey], [NodeKey], [StorageKey]) hangs on the
// target and the field's own numbers and names, never on a host address, so that a migration or a renamed
// target loses nothing.
//
// The package is for embedders and imports only the standard library.
package estate
