package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a store that lives in this process and ends with it. It is for tests and demonstrations.
//
// It starts no goroutine and reads time.Now, so it works in a testing/synctest bubble.
type Memory struct {
	data *memoryData
	bus  Bus

	mu     sync.RWMutex // held for reading during each call, for writing while closing
	closed bool
}

// NewMemory gives an empty store.
func NewMemory() *Memory { return NewMemoryWithClock(time.Now) }

// NewMemoryWithClock gives an empty store to which it is the time that now tells.
func NewMemoryWithClock(now func() time.Time) *Memory {
	m := &Memory{data: &memoryData{
		now:    now,
		groups: make(map[string]*memoryGroup), counters: make(map[string]memoryCounter),
		leases: make(map[string]Lease), handles: make(map[*Memory]struct{}),
	}}
	m.data.handles[m] = struct{}{}
	return m
}

// Replica gives another store on the same data, as a second process would have one on a shared store. It is closed on its
// own, and works even after m was closed.
func (m *Memory) Replica() *Memory {
	r := &Memory{data: m.data}
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	m.data.handles[r] = struct{}{}
	return r
}

// Flush empties the store and all its replicas at once, as the administrator of a shared server could.
func (m *Memory) Flush() {
	d := m.data
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.groups)
	clear(d.counters)
	clear(d.leases)
}

// memoryData is what all replicas share.
type memoryData struct {
	now func() time.Time

	mu        sync.Mutex
	groups    map[string]*memoryGroup
	counters  map[string]memoryCounter
	leases    map[string]Lease
	handles   map[*Memory]struct{}
	nextSweep time.Time
}

type memoryGroup struct {
	rev    Revision
	items  map[string]memoryItem
	chunks map[string]memoryChunk
}

type memoryItem struct {
	n       uint64
	value   []byte
	expires time.Time // zero: never
}

type memoryChunk struct {
	data    []byte
	expires time.Time // zero: never
}

type memoryCounter struct {
	count int64
	ends  time.Time
}

// sweepEvery is how often what expired is removed for good. Reads never show it anyway.
const sweepEvery = time.Minute

func expired(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

func deadline(now time.Time, ttl time.Duration) time.Time {
	if ttl == 0 {
		return time.Time{}
	}
	return now.Add(ttl)
}

// do runs f with the data locked, unless the store is closed or ctx has ended.
func (m *Memory) do(ctx context.Context, f func(d *memoryData, now time.Time) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d := m.data
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if !now.Before(d.nextSweep) {
		d.sweep(now)
		d.nextSweep = now.Add(sweepEvery)
	}
	return f(d, now)
}

func (d *memoryData) sweep(now time.Time) {
	for _, g := range d.groups {
		for key, item := range g.items {
			if expired(item.expires, now) {
				delete(g.items, key)
			}
		}
		for name, chunk := range g.chunks {
			if expired(chunk.expires, now) {
				delete(g.chunks, name)
			}
		}
	}
	for name, c := range d.counters {
		if expired(c.ends, now) {
			delete(d.counters, name)
		}
	}
	for name, l := range d.leases {
		if expired(l.Until, now) {
			delete(d.leases, name)
		}
	}
}

// group gives an empty group with the zero revision where there is none; it is not kept.
func (d *memoryData) group(name string) *memoryGroup {
	if g := d.groups[name]; g != nil {
		return g
	}
	return &memoryGroup{}
}

// item gives the zero revision for absent keys.
func (g *memoryGroup) item(key string, now time.Time) (memoryItem, Revision) {
	item, ok := g.items[key]
	if !ok || expired(item.expires, now) {
		return memoryItem{}, Revision{}
	}
	return item, Revision{Epoch: g.rev.Epoch, N: item.n}
}

// chunk gives an empty one for absent chunks.
func (g *memoryGroup) chunk(name string, now time.Time) memoryChunk {
	c := g.chunks[name]
	if expired(c.expires, now) {
		return memoryChunk{}
	}
	return c
}

// Heads implements [Store].
func (m *Memory) Heads(ctx context.Context, groups ...string) ([]Revision, error) {
	if err := ValidateHeads(groups); err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	revs := make([]Revision, len(groups))
	err := m.do(ctx, func(d *memoryData, _ time.Time) error {
		for i, g := range groups {
			revs[i] = d.group(g).rev
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	return revs, nil
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, group string, keys ...string) (Group, error) {
	if err := ValidateGet(group, keys); err != nil {
		return Group{}, fmt.Errorf("get: %w", err)
	}
	var out Group
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		g := d.group(group)
		out.Rev = g.rev
		for _, key := range keys {
			if item, rev := g.item(key, now); !rev.IsZero() {
				out.Items = append(out.Items, Item{Key: key, Rev: rev, Value: append([]byte{}, item.value...)})
			}
		}
		return nil
	})
	if err != nil {
		return Group{}, fmt.Errorf("get from group %q: %w", group, err)
	}
	return out, nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, group, prefix string) (Group, error) {
	if err := ValidateList(group, prefix); err != nil {
		return Group{}, fmt.Errorf("list: %w", err)
	}
	var out Group
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		g := d.group(group)
		out.Rev = g.rev
		for key := range g.items {
			if _, rev := g.item(key, now); !rev.IsZero() && strings.HasPrefix(key, prefix) {
				out.Items = append(out.Items, Item{Key: key, Rev: rev})
			}
		}
		return nil
	})
	if err != nil {
		return Group{}, fmt.Errorf("list group %q: %w", group, err)
	}
	slices.SortFunc(out.Items, func(a, b Item) int { return cmp.Compare(a.Key, b.Key) })
	return out, nil
}

// Drop implements [Store].
func (m *Memory) Drop(ctx context.Context, group string) error {
	if err := ValidateName("group", group); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	err := m.do(ctx, func(d *memoryData, _ time.Time) error {
		delete(d.groups, group)
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop group %q: %w", group, err)
	}
	return nil
}

// ReadChunk implements [Store].
func (m *Memory) ReadChunk(ctx context.Context, id ChunkID, off, n int64) ([]byte, int64, error) {
	if err := ValidateRead(id, off); err != nil {
		return nil, 0, fmt.Errorf("read chunk: %w", err)
	}
	var data []byte
	var size int64
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		all := d.group(id.Group).chunk(id.Name, now).data
		size = int64(len(all))
		rest := all[min(off, size):]
		if n >= 0 && n < int64(len(rest)) {
			rest = rest[:n]
		}
		data = bytes.Clone(rest)
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read chunk %q of group %q: %w", id.Name, id.Group, err)
	}
	return data, size, nil
}

// Chunks implements [Store].
func (m *Memory) Chunks(ctx context.Context, group, prefix string) ([]ChunkInfo, error) {
	if err := ValidateList(group, prefix); err != nil {
		return nil, fmt.Errorf("chunks: %w", err)
	}
	var out []ChunkInfo
	err := m.do(ctx, func(d *memoryData, now time.Time) error {
		g := d.group(group)
		for name := range g.chunks {
			if c := g.chunk(name, now); len(c.data) > 0 && strings.HasPrefix(name, prefix) {
				out = append(out, ChunkInfo{Name: name, SizeBytes: int64(len(c.data))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chunks of group %q: %w", group, err)
	}
	slices.SortFunc(out, func(a, b ChunkInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Publish implements [Store].
func (m *Memory) Publish(ctx context.Context, h Hint) error {
	if err := ValidateName("group", h.Group); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	err := m.do(ctx, func(d *memoryData, _ time.Time) error {
		for handle := range d.handles {
			handle.bus.Publish(h)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Subscribe implements [Store].
func (m *Memory) Subscribe(ctx context.Context) (<-chan Hint, error) {
	ch, err := m.bus.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return ch, nil
}

// Close implements [Store]. The data stays with the other replicas.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.bus.Close()
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	delete(m.data.handles, m)
	return nil
}
