// Package redisstore keeps a [store.Store] in Redis, so that any number of Pulse processes share it.
//
//	s, err := redisstore.Open(ctx, "redis://pulse:secret@redis.example:6379/0")
//
// It needs Redis 7.0 or later with maxmemory-policy noeviction: a store that forgets on its own is none. What survives a
// crash of the server is what the server keeps on disk; use an append-only file (appendonly yes), where appendfsync
// everysec may lose the last second, and appendfsync always makes Commit.Durable hold to the letter. Without a file
// everything begins anew with the server. All of it lies in memory: values from 256 bytes on are compressed, chunks are
// kept as they are, and [Store.Stats] tells how much the server uses and what its maxmemory leaves.
//
// The keys of a group are <prefix>:{<length>:<group>}:<letter>, so that all of them lie on one server of a cluster: the
// hash m has the epoch (e), the number of the last commit (n), the run of the server that took it (i) and the number of the
// last chunk (c); r has each key's revision and deadline, v its value; x has each chunk's size, number and deadline, d its
// content in blocks of 8 KiB. The sorted set l has the names of keys and chunks, e what has a deadline; each commit removes
// a little of what expired. A lease is <prefix>:{l:<name>}, a counter <prefix>:{n:<name>}; hints go over the channel
// <prefix>:hints:<database>.
//
// A server that went down, or a replica that took over, may have lost the last commits. So that no revision is given twice,
// the first commit to a group in each run of a server leaves out 1,048,576 numbers.
//
// Every call is one round trip. Time is that of the server, so clocks of the processes need not agree. A read whose
// connection broke is asked once more; a write is not, since it may have happened. The first subscription starts a
// goroutine and a connection of its own, which is made anew when it breaks, with a zero hint; both end with Close. [Open]
// silences the log that the client library go-redis would write to stderr, for the whole process.
//
// The package is for embedders and kept compatible from v1 on. A Store is safe for concurrent use.
package redisstore
