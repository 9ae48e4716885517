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
// when all of it has ended. A program that is called from a schedule uses [Monitor.Poll] instead,
// and one that only answers requests from a shared store, [Monitor.Refresh].
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
// Several monitors may share a store ([Options.Shared]), as replicas and as functions that come and go. Then each target
// is read by one of them: those that poll say so in the group "replicas" and share the targets out evenly, and a pass
// takes a lease. Leases only save double work; what keeps the truth is the commit of each pass, which checks that no
// other pass was written since this one began, however long a process was stopped in between. It holds what changed since
// the last whole observation, and a hint has the others read it. A configuration change is in force on every monitor
// soon, and at once for who asks by its revision ([Monitor.AwaitRevision]). While the store is away each monitor goes on
// reading its share, and shows the rest as stale; if the store comes back empty, the configuration is put back.
//
// All methods are safe for concurrent use. The package is for embedders and kept compatible from v1 on.
package pulse
