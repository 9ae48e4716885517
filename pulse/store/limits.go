package store

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of the contract. Every store accepts all that is within them.
const (
	MaxOps          = 64        // keys in one commit
	MaxAppends      = 64        // chunks in one commit
	MaxGetKeys      = 1024      // keys in one Get
	MaxNameBytes    = 512       // length of a key, of a group's, chunk's, counter's or lease's name, and of a holder
	MaxValueBytes   = 32 << 20  // length of a value, of the data of one append and of a replacing chunk
	MaxCommitBytes  = 64 << 20  // sum of the values and appended data of one commit
	MaxChunkBytes   = 256 << 20 // size of a chunk
	shownNameLength = 64        // bytes of a refused name that an error repeats
)

// ValidateName checks a group, key, chunk, counter, lease or holder, called what in the error: it must be UTF-8 without
// NUL, not empty and at most MaxNameBytes long. The error matches [ErrInvalid].
func ValidateName(what, name string) error {
	if name == "" {
		return fmt.Errorf("%w: empty %s", ErrInvalid, what)
	}
	return ValidatePrefix(what, name)
}

// ValidatePrefix is ValidateName for the beginning of a name, which may be empty.
func ValidatePrefix(what, prefix string) error {
	if len(prefix) > MaxNameBytes {
		return fmt.Errorf("%w: %s %q... has more than %d bytes", ErrInvalid, what, prefix[:shownNameLength], MaxNameBytes)
	}
	if !utf8.ValidString(prefix) || strings.IndexByte(prefix, 0) >= 0 {
		return fmt.Errorf("%w: %s %q is not UTF-8 without NUL", ErrInvalid, what, prefix)
	}
	return nil
}

// ValidateGet checks the arguments of [Store.Get].
func ValidateGet(group string, keys []string) error {
	if len(keys) > MaxGetKeys {
		return fmt.Errorf("%w: more than %d keys", ErrInvalid, MaxGetKeys)
	}
	for _, k := range keys {
		if err := ValidateName("key", k); err != nil {
			return err
		}
	}
	return ValidateName("group", group)
}

// ValidateHeads checks the arguments of [Store.Heads].
func ValidateHeads(groups []string) error {
	for _, g := range groups {
		if err := ValidateName("group", g); err != nil {
			return err
		}
	}
	return nil
}

// ValidateList checks the arguments of [Store.List] and [Store.Chunks].
func ValidateList(group, prefix string) error {
	if err := ValidateName("group", group); err != nil {
		return err
	}
	return ValidatePrefix("prefix", prefix)
}

// ValidateCount checks the arguments of [Store.Count].
func ValidateCount(name string, limit int64, window time.Duration) error {
	if limit < 1 || window < time.Millisecond {
		return fmt.Errorf("%w: counter %q with limit %d and window %s", ErrInvalid, name, limit, window)
	}
	return ValidateName("counter", name)
}

// ValidateAcquire checks the arguments of [Store.Acquire].
func ValidateAcquire(name, holder string, ttl time.Duration) error {
	if ttl < time.Millisecond {
		return fmt.Errorf("%w: lease %q for %s", ErrInvalid, name, ttl)
	}
	if err := ValidateName("holder", holder); err != nil {
		return err
	}
	return ValidateName("lease", name)
}

// ValidateRelease checks the argument of [Store.Release].
func ValidateRelease(l Lease) error {
	if err := ValidateName("holder", l.Holder); err != nil {
		return err
	}
	return ValidateName("lease", l.Name)
}

// Validate checks the names in id.
func (id ChunkID) Validate() error {
	if err := ValidateName("group", id.Group); err != nil {
		return err
	}
	return ValidateName("chunk", id.Name)
}

// ValidateRead checks the arguments of [Store.ReadChunk].
func ValidateRead(id ChunkID, off int64) error {
	if off < 0 {
		return fmt.Errorf("%w: chunk %q: offset %d", ErrInvalid, id.Name, off)
	}
	return id.Validate()
}

// ValidateReplace checks the arguments of [Store.ReplaceChunk].
func ValidateReplace(id ChunkID, size int64, data []byte, ttl time.Duration) error {
	if size < 0 || len(data) > MaxValueBytes || ttl < 0 {
		return fmt.Errorf("%w: chunk %q: size %d, %d bytes, expiry %s", ErrInvalid, id.Name, size, len(data), ttl)
	}
	return id.Validate()
}

// Validate checks everything about c that can be checked without a store. The error matches [ErrInvalid].
func (c Commit) Validate() error {
	if err := ValidateName("group", c.Group); err != nil {
		return err
	}
	if len(c.Ops)+len(c.Appends) == 0 || len(c.Ops) > MaxOps || len(c.Appends) > MaxAppends {
		return fmt.Errorf("%w: %d keys and %d appends in a commit", ErrInvalid, len(c.Ops), len(c.Appends))
	}
	total := 0
	for i, op := range c.Ops {
		if err := op.validate(); err != nil {
			return err
		}
		for _, before := range c.Ops[:i] {
			if before.Key == op.Key {
				return fmt.Errorf("%w: key %q twice in a commit", ErrInvalid, op.Key)
			}
		}
		total += len(op.Value)
	}
	for i, a := range c.Appends {
		if err := a.validate(); err != nil {
			return err
		}
		for _, before := range c.Appends[:i] {
			if before.Chunk == a.Chunk {
				return fmt.Errorf("%w: chunk %q twice in a commit", ErrInvalid, a.Chunk)
			}
		}
		total += len(a.Data)
	}
	if total > MaxCommitBytes {
		return fmt.Errorf("%w: commit of %d bytes, more than %d", ErrInvalid, total, MaxCommitBytes)
	}
	return nil
}

// Writes tells whether c changes anything if its checks hold.
func (c Commit) Writes() bool {
	if len(c.Appends) > 0 {
		return true
	}
	for _, op := range c.Ops {
		if !op.CheckOnly {
			return true
		}
	}
	return false
}

func (o Op) validate() error {
	if err := ValidateName("key", o.Key); err != nil {
		return err
	}
	if o.CheckOnly && (o.Any || o.Delete) || o.Any && !o.Rev.IsZero() {
		return fmt.Errorf("%w: key %q: contradictory operation", ErrInvalid, o.Key)
	}
	if (o.CheckOnly || o.Delete) && (len(o.Value) > 0 || o.TTL != 0) {
		return fmt.Errorf("%w: key %q: a value or expiry that is not written", ErrInvalid, o.Key)
	}
	if o.TTL < 0 || len(o.Value) > MaxValueBytes {
		return fmt.Errorf("%w: key %q: %d bytes, expiry %s", ErrInvalid, o.Key, len(o.Value), o.TTL)
	}
	return nil
}

func (a Append) validate() error {
	if err := ValidateName("chunk", a.Chunk); err != nil {
		return err
	}
	if a.At < 0 || len(a.Data) == 0 || len(a.Data) > MaxValueBytes || a.At > MaxChunkBytes-int64(len(a.Data)) || a.TTL < 0 {
		return fmt.Errorf("%w: chunk %q: %d bytes at %d, expiry %s", ErrInvalid, a.Chunk, len(a.Data), a.At, a.TTL)
	}
	return nil
}
