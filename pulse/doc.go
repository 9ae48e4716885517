// Package pulse watches Proxmox VE clusters and Proxmox Backup Servers. Start reading here.
//
// A [Monitor] holds the configured targets and keeps the latest [Snapshot] of what they hold:
//
//	m, err := pulse.New(pulse.Options{Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey())})
//	…
//	go m.Run(ctx)       // polls until ctx ends
//	s := m.Snapshot()   // never waits for a poll
//
// [New] does no I/O and starts nothing; whoever calls [Monitor.Run] owns everything it starts, and Run returns only
// when all of it has ended. A program that is called from a schedule uses [Monitor.Poll] instead.
//
// One pass over one target reads it (package collect), records the observation, encodes the rows that changed (package
// wire) and publishes a new snapshot. Targets are read side by side, each on its own schedule, so that one that hangs
// delays no other. Between passes the cluster's task list is watched, so that a guest that was stopped, started,
// migrated, created or removed shows within seconds.
//
// Configuration lies in the store's group "system", what Pulse learned about a target (certificates, members, the last
// observation) in a group named after the target. Where no other process reads the store, an observation is written
// when its structure changed, every five minutes, and at the end, all targets together; a restart shows it as stale
// until the first pass.
//
// All methods are safe for concurrent use. The package is for embedders and kept compatible from v1 on.
package pulse
