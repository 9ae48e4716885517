package store

import (
	"context"
	"time"
)

// Revision is a position in the life of a group. The zero Revision means absent.
//
// Revisions are compared for equality. N orders revisions of the same Epoch only.
type Revision struct {
	Epoch uint64 // drawn at random when the group came into being; never 0 and never used again
	N     uint64 // 1 for the group's first commit, one more with each further commit
}

// IsZero tells whether r stands for something absent.
func (r Revision) IsZero() bool { return r == Revision{} }

// Item is one key of a group.
type Item struct {
	Key   string
	Rev   Revision // of the commit that wrote the value
	Value []byte   // nil from List; never nil from Get
}

// Group is one consistent reading of a group.
type Group struct {
	Rev   Revision // of the group's last commit; zero when the group does not exist
	Items []Item   // from Get in the order asked for, from List in byte order of the keys; absent keys are left out
}

// Op checks one key of a commit, writes it, or both.
//
// The check: the key's revision must be Rev, where the zero Rev demands that the key is absent; with Any there is no
// check. What then happens: nothing with CheckOnly, removal with Delete (of an absent key, too), otherwise the key gets
// Value. At most one of Any and CheckOnly, and at most one of Delete and CheckOnly, may be set.
type Op struct {
	Key       string
	Rev       Revision
	Any       bool
	CheckOnly bool
	Delete    bool
	Value     []byte        // nil is the empty value; empty with CheckOnly and Delete
	TTL       time.Duration // the key vanishes after this time, at most a millisecond later; 0: it stays
}

// Append adds bytes at the end of a chunk, which comes into being with its first byte.
type Append struct {
	Chunk string        // name within the commit's group
	At    int64         // the size the chunk must have now, in bytes; 0: it must be absent
	Data  []byte        // at least one byte
	TTL   time.Duration // from now on the chunk vanishes after this time; 0 leaves its expiry as it is, at first never
}

// Commit is an atomic change of one group: everything in it happens, or nothing.
//
// A commit whose Ops all are CheckOnly and that appends nothing changes no revision; it only checks.
type Commit struct {
	Group   string
	Epoch   uint64   // the group's epoch as read; 0: the group must not exist yet
	Ops     []Op     // at most MaxOps, each key once
	Appends []Append // at most MaxAppends, each chunk once
	Durable bool     // on disk before Commit returns, as far as the store has one; also everything committed before
}

// ChunkID names a chunk.
type ChunkID struct {
	Group string
	Name  string
}

// ChunkInfo describes a chunk without its content.
type ChunkInfo struct {
	Name      string
	SizeBytes int64 // at least 1
}

// Lease is a claim on a name that ends by itself.
type Lease struct {
	Name   string
	Holder string
	Until  time.Time // by the clock of the process that acquired it
}

// Hint tells that a group moved.
//
// The zero Hint tells that hints were lost (the reader was slow, a connection broke): compare all heads. A hint with a
// Group and a zero Rev tells that the group was dropped.
type Hint struct {
	Group string
	Rev   Revision
}

// Store keeps groups of keys and chunks, counters and leases.
//
// Errors, for every method: [ErrInvalid] for arguments outside the limits (nothing was done), [ErrClosed] after Close,
// the context's error when it ended, [ErrFull] when a write found no room, and others when the store cannot be reached
// or is damaged. After an error of a write other than ErrInvalid, ErrConflict, ErrGone, ErrLeaseHeld and ErrFull, and
// other than the error of a context that had ended before the call, it is unknown whether the write happened: read again.
//
// Ordering: a read that begins after a write returned sees the write, in every process.
type Store interface {
	// Heads gives the revision of each group, in the order asked for, zero where the group does not exist. It is one
	// round trip for any number of groups. The revisions of different groups need not be of one moment.
	Heads(ctx context.Context, groups ...string) ([]Revision, error)

	// Get reads keys of one group, at most MaxGetKeys, in one consistent reading. Absent keys are left out; that is no
	// error, nor is an absent group. Without keys it gives the group's revision alone.
	Get(ctx context.Context, group string, keys ...string) (Group, error)

	// List gives the keys that begin with prefix, with their revisions but without values, in one consistent reading.
	// The empty prefix lists all.
	List(ctx context.Context, group, prefix string) (Group, error)

	// Commit checks and changes one group in one step and returns the group's new revision. Checks are made in this
	// order and the first that fails decides: the epoch ([ErrGone] if the group was dropped since, [ConflictError] without
	// key and chunk if Epoch is 0 and the group exists), the Ops in their order ([ConflictError] with Key), the Appends in
	// their order ([ConflictError] with Chunk). A commit publishes no hint of its own that subscribers could count on.
	//
	// A group stays in being, with its epoch, when its last key is deleted or expires; only Drop ends it.
	Commit(ctx context.Context, c Commit) (Revision, error)

	// Drop removes a group with all keys and chunks. To drop an absent group is no error.
	Drop(ctx context.Context, group string) error

	// Count adds one to the counter called name, unless it has reached limit. The first count opens a window; with the
	// window's end the counter is forgotten. ok tells whether the count was within the limit; if not, retry is the time
	// until the window ends (more than 0), else 0. The window of a running counter is not changed by another value.
	Count(ctx context.Context, name string, limit int64, window time.Duration) (ok bool, retry time.Duration, err error)

	// ReadChunk reads up to n bytes of a chunk from offset off, all up to the end if n is negative, and gives the size of
	// the whole chunk in bytes, in one consistent reading. data is shorter than n at the chunk's end and empty beyond it.
	// An absent chunk has size 0.
	ReadChunk(ctx context.Context, id ChunkID, off, n int64) (data []byte, size int64, err error)

	// ReplaceChunk puts data in place of a chunk that has the given size in bytes now (0: it must be absent); empty data
	// removes the chunk. ttl is the new expiry, 0 for none. A chunk of another size is a [ConflictError]; a group that
	// does not exist is ErrGone, since chunks come into being with their group's commits. The group's revision stays.
	ReplaceChunk(ctx context.Context, id ChunkID, size int64, data []byte, ttl time.Duration) error

	// Chunks lists the chunks of a group whose names begin with prefix, in byte order of the names.
	Chunks(ctx context.Context, group, prefix string) ([]ChunkInfo, error)

	// Acquire takes the lease called name for ttl from now, or renews it if holder has it. If another holder has it, the
	// error is a [LeaseHeldError]. A holder is one process, or one part of it, and must be unique.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error)

	// Release ends a lease early if its holder still has it, and does nothing otherwise.
	Release(ctx context.Context, l Lease) error

	// Publish tells the subscribers of all processes that a group moved to the revision in h, which must have been
	// committed (or the group dropped) before. Stores may learn of it from the commit itself, and may deliver a later
	// revision of the same group instead. Publish never waits for a subscriber.
	Publish(ctx context.Context, h Hint) error

	// Subscribe gives a channel of the hints published from now on, also by this store. The channel is closed when ctx ends
	// or the store is closed. A reader that falls behind loses hints and then gets the zero Hint; memory is bounded.
	Subscribe(ctx context.Context) (<-chan Hint, error)

	// Close ends subscriptions, waits for calls in progress to return and frees what the store holds. Leases stay until
	// they end. Closing again does nothing.
	Close() error
}
