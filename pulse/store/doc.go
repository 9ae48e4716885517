// Package store is where Pulse keeps what must outlive a process or be seen by another one.
//
// A [Store] holds groups. A group is a target, or "system", and contains keys with values and chunks: blocks of history
// that grow at their end. [Store.Commit] checks and writes up to [MaxOps] keys of one group in one step and appends to
// chunks in the same step. There is no atomicity across groups, so that a store may spread groups over servers.
//
// Each commit gives its group a new [Revision]. A revision carries the epoch of its group, a random number drawn when the
// group came into being: after a drop, or after somebody emptied the store, a new group of the same name has another
// epoch, and a process that slept through it cannot mistake an old revision for a current one.
//
// Hints ([Store.Publish], [Store.Subscribe]) tell other processes early that a group moved. They may be lost; a reader
// that compares [Store.Heads] now and then misses nothing. Leases only save double work; correctness rests on revisions.
//
// This package has no store but [Memory], for tests and demonstrations. Package sqlitestore keeps one file. Package
// storetest holds the suite every store must pass; it is the definition of what is promised here. [Bus], the Validate
// methods and the limits are for makers of stores.
//
// The package is for embedders and kept compatible from v1 on. All methods of all stores are safe for concurrent use.
// Values given to a store are copied, values received belong to the caller.
package store
