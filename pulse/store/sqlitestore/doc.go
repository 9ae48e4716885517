// Package sqlitestore keeps a [store.Store] in one SQLite file, the default of a standalone Pulse.
//
//	s, err := sqlitestore.Open(ctx, "/var/lib/pulse/pulse.db", sqlitestore.Options{})
//
// The file is in WAL mode. All writes of a process go through one connection, each in a transaction that takes the write
// lock at its beginning; reads go through a few others and never wait for writes. Several processes on one machine may
// open the same file; it must not lie on a network file system. The first subscription starts a goroutine that watches
// for other processes' commits and turns them into hints; it ends with Close. There is no other goroutine.
//
// Little is written: an ordinary commit is not synced (it survives a killed process, and a power cut may take the last
// ones, never a part of one), values of about a kilobyte and more are compressed, appending to a chunk touches its last
// page only, and [Store.CommitMany] puts many groups into one transaction. A lease or a counter is one page per call, so
// a caller that renews a lease each cycle should ask for a long one and renew it late.
//
// A file that is damaged, foreign, or of a newer Pulse is refused when it is opened and never changed.
//
// The package is for embedders and kept compatible from v1 on. A Store is safe for concurrent use.
package sqlitestore
