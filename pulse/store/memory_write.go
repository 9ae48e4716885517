package store

import (
	"context"
	"fmt"
	"time"
)

// Commit implements [Store].
func (m *Memory) Commit(ctx context.Context, c Commit) (Revision, error) {
	if err := c.Validate(); err != nil {
		return Revision{}, fmt.Errorf("commit: %w", err)
	}
	var rev Revision
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		g := d.group(c.Group)
		if err := g.check(c, now); err != nil {
			return err
		}
		if c.Writes() {
			d.write(g, c, now)
		}
		rev = g.rev
		return nil
	})
	if err != nil {
		return Revision{}, fmt.Errorf("commit to group %q: %w", c.Group, err)
	}
	return rev, nil
}

func (g *memoryGroup) check(c Commit, now time.Time) error {
	if g.rev.Epoch != c.Epoch {
		if c.Epoch == 0 {
			return &ConflictError{Group: c.Group}
		}
		return ErrGone
	}
	for _, op := range c.Ops {
		if _, rev := g.item(op.Key, now); !op.Any && rev != op.Rev {
			return &ConflictError{Group: c.Group, Key: op.Key}
		}
	}
	for _, a := range c.Appends {
		if int64(len(g.chunk(a.Chunk, now).data)) != a.At {
			return &ConflictError{Group: c.Group, Chunk: a.Chunk}
		}
	}
	return nil
}

func (d *memoryData) write(g *memoryGroup, c Commit, now time.Time) {
	if g.rev.IsZero() {
		g.rev.Epoch = NewEpoch()
		g.items = make(map[string]memoryItem)
		g.chunks = make(map[string]memoryChunk)
		d.groups[c.Group] = g
	}
	g.rev.N++
	for _, op := range c.Ops {
		switch {
		case op.CheckOnly:
		case op.Delete:
			delete(g.items, op.Key)
		default:
			value := append([]byte{}, op.Value...)
			g.items[op.Key] = memoryItem{n: g.rev.N, value: value, expires: deadline(now, op.TTL)}
		}
	}
	for _, a := range c.Appends {
		chunk := g.chunk(a.Chunk, now)
		chunk.data = append(chunk.data, a.Data...)
		if a.TTL > 0 {
			chunk.expires = deadline(now, a.TTL)
		}
		g.chunks[a.Chunk] = chunk
	}
}

// ReplaceChunk implements [Store].
func (m *Memory) ReplaceChunk(ctx context.Context, id ChunkID, size int64, data []byte, ttl time.Duration) error {
	if err := ValidateReplace(id, size, data, ttl); err != nil {
		return fmt.Errorf("replace chunk: %w", err)
	}
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		g := d.group(id.Group)
		if g.rev.IsZero() {
			return ErrGone
		}
		if int64(len(g.chunk(id.Name, now).data)) != size {
			return &ConflictError{Group: id.Group, Chunk: id.Name}
		}
		if len(data) == 0 {
			delete(g.chunks, id.Name)
			return nil
		}
		g.chunks[id.Name] = memoryChunk{data: append([]byte{}, data...), expires: deadline(now, ttl)}
		return nil
	})
	if err != nil {
		return fmt.Errorf("replace chunk %q of group %q: %w", id.Name, id.Group, err)
	}
	return nil
}

// Count implements [Store].
func (m *Memory) Count(ctx context.Context, name string, limit int64, window time.Duration) (bool, time.Duration, error) {
	if err := ValidateCount(name, limit, window); err != nil {
		return false, 0, fmt.Errorf("count: %w", err)
	}
	var retry time.Duration
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		c, running := d.counters[name]
		if !running || expired(c.ends, now) {
			c = memoryCounter{ends: now.Add(window)}
		}
		if c.count >= limit {
			retry = c.ends.Sub(now)
			return nil
		}
		c.count++
		d.counters[name] = c
		return nil
	})
	if err != nil {
		return false, 0, fmt.Errorf("count %q: %w", name, err)
	}
	return retry == 0, retry, nil
}

// Acquire implements [Store].
func (m *Memory) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	if err := ValidateAcquire(name, holder, ttl); err != nil {
		return Lease{}, fmt.Errorf("acquire: %w", err)
	}
	var lease Lease
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		held, ok := d.leases[name]
		if ok && held.Holder != holder && !expired(held.Until, now) {
			return &LeaseHeldError{Name: name, Holder: held.Holder, Until: held.Until}
		}
		lease = Lease{Name: name, Holder: holder, Until: now.Add(ttl)}
		d.leases[name] = lease
		return nil
	})
	if err != nil {
		return Lease{}, fmt.Errorf("acquire: %w", err)
	}
	return lease, nil
}

// Release implements [Store].
func (m *Memory) Release(ctx context.Context, l Lease) error {
	if err := ValidateRelease(l); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	err := m.do(ctx, func(d *memoryData, _ time.Time) error {
		if d.leases[l.Name].Holder == l.Holder {
			delete(d.leases, l.Name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("release lease %q: %w", l.Name, err)
	}
	return nil
}
