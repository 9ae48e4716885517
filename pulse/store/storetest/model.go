package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// The model's times are coarse, so that a clock that runs between calls makes no difference.
const (
	modelTTL  = time.Hour
	modelStep = 2 * time.Hour
)

// model is a store of one group made of plain maps, and the stores it is compared with.
type model struct {
	stores []store.Store // on the same data
	h      Harness
	prefix string           // makes the names of one run its own
	past   []store.Revision // all there were, beginning with that of nothing

	rev    store.Revision
	keys   map[string]modelItem
	chunks map[string]modelChunk
	leases map[string]string // name to holder; all end with the next step of time
	counts map[string]int64  // likewise
}

type modelItem struct {
	rev    store.Revision
	value  string
	mortal bool
}

type modelChunk struct {
	data   string
	mortal bool
}

// modelMatches drives two stores on the same data and a map through the same random history.
func modelMatches(t *testing.T, h Harness) {
	stores := []store.Store{open(t, h), open(t, h)}
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		m := &model{stores: stores, h: h, prefix: fmt.Sprintf("run %d ", runs), past: make([]store.Revision, 1)}
		m.clear()
		m.leases, m.counts = map[string]string{}, map[string]int64{}
		rt.Repeat(map[string]func(*rapid.T){
			"":             m.compare,
			"commit":       m.commit,
			"stale commit": m.staleCommit,
			"replace":      m.replace,
			"drop":         m.drop,
			"time":         m.time,
			"acquire":      m.acquire,
			"release":      m.release,
			"count":        m.count,
		})
	})
}

func (m *model) clear() {
	m.rev = store.Revision{}
	m.keys, m.chunks = map[string]modelItem{}, map[string]modelChunk{}
}

func (m *model) group() string { return m.prefix + "group" }

func (m *model) anyStore(rt *rapid.T) store.Store {
	return rapid.SampledFrom(m.stores).Draw(rt, "store")
}

func anyName(rt *rapid.T, what string) string {
	return rapid.SampledFrom([]string{"a", "ab", "abc", "b", "ключ"}).Draw(rt, what)
}

func anyTTL(rt *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, modelTTL}).Draw(rt, "ttl")
}

// anyRevision is most often the current one.
func (m *model) anyRevision(rt *rapid.T, current store.Revision) store.Revision {
	if rapid.IntRange(0, 9).Draw(rt, "lucky") > 0 {
		return current
	}
	return m.past[rapid.IntRange(0, len(m.past)-1).Draw(rt, "past")]
}

func (m *model) drawCommit(rt *rapid.T) store.Commit {
	c := store.Commit{Group: m.group(), Epoch: m.rev.Epoch, Durable: rapid.Bool().Draw(rt, "durable")}
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "ab", "abc", "b", "ключ"}), 0, 3, rapid.ID)
	for _, key := range names.Draw(rt, "keys") {
		op := store.Op{Key: key}
		switch rapid.SampledFrom([]string{"check", "delete", "write", "write"}).Draw(rt, "kind") {
		case "check":
			op.CheckOnly = true
		case "delete":
			op.Delete = true
		default:
			op.Value = []byte(strings.Repeat(rapid.StringN(0, 4, -1).Draw(rt, "value"), rapid.IntRange(0, 800).Draw(rt, "times")))
			op.TTL = anyTTL(rt)
		}
		if op.CheckOnly || rapid.Bool().Draw(rt, "checked") {
			op.Rev = m.anyRevision(rt, m.keys[key].rev)
		} else {
			op.Any = true
		}
		c.Ops = append(c.Ops, op)
	}
	for _, name := range names.Draw(rt, "chunks") {
		at := int64(len(m.chunks[name].data)) + int64(max(0, rapid.IntRange(-9, 1).Draw(rt, "off by")))
		data := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(rt, "data")
		c.Appends = append(c.Appends, store.Append{Chunk: name, At: at, Data: data, TTL: anyTTL(rt)})
	}
	return c
}

// wants says what the first failing check of c is.
func (m *model) wants(c store.Commit) error {
	if c.Validate() != nil {
		return store.ErrInvalid
	}
	for _, op := range c.Ops {
		if !op.Any && op.Rev != m.keys[op.Key].rev {
			return &store.ConflictError{Group: c.Group, Key: op.Key}
		}
	}
	for _, a := range c.Appends {
		if a.At != int64(len(m.chunks[a.Chunk].data)) {
			return &store.ConflictError{Group: c.Group, Chunk: a.Chunk}
		}
	}
	return nil
}

func (m *model) commit(rt *rapid.T) {
	c := m.drawCommit(rt)
	want := m.wants(c)
	rev, err := m.anyStore(rt).Commit(rt.Context(), c)
	if conflict, ok := want.(*store.ConflictError); ok { //nolint:errorlint // wants never wraps
		var got *store.ConflictError
		require.ErrorAs(rt, err, &got)
		require.Equal(rt, conflict, got)
		return
	}
	require.ErrorIs(rt, err, want)
	if want != nil {
		return
	}
	if !c.Writes() {
		require.Equal(rt, m.rev, rev)
		return
	}
	if m.rev.IsZero() {
		require.NotZero(rt, rev.Epoch)
		m.rev.Epoch = rev.Epoch
	}
	m.rev.N++
	require.Equal(rt, m.rev, rev)
	require.NotContains(rt, m.past, rev, "revision given twice")
	m.past = append(m.past, rev)
	m.apply(c)
}

func (m *model) apply(c store.Commit) {
	for _, op := range c.Ops {
		switch {
		case op.CheckOnly:
		case op.Delete:
			delete(m.keys, op.Key)
		default:
			m.keys[op.Key] = modelItem{rev: m.rev, value: string(op.Value), mortal: op.TTL > 0}
		}
	}
	for _, a := range c.Appends {
		chunk := m.chunks[a.Chunk]
		m.chunks[a.Chunk] = modelChunk{data: chunk.data + string(a.Data), mortal: chunk.mortal || a.TTL > 0}
	}
}

// staleCommit uses an epoch that is not the group's.
func (m *model) staleCommit(rt *rapid.T) {
	c := m.drawCommit(rt)
	c.Epoch = m.anyRevision(rt, store.Revision{}).Epoch
	if c.Epoch == m.rev.Epoch || c.Validate() != nil {
		rt.Skip("not stale")
	}
	_, err := m.anyStore(rt).Commit(rt.Context(), c)
	if c.Epoch == 0 {
		require.ErrorIs(rt, err, store.ErrConflict)
		return
	}
	require.ErrorIs(rt, err, store.ErrGone)
}

func (m *model) replace(rt *rapid.T) {
	name := anyName(rt, "chunk")
	size := int64(len(m.chunks[name].data)) + int64(max(0, rapid.IntRange(-9, 1).Draw(rt, "off by")))
	data := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "data")
	ttl := anyTTL(rt)
	err := m.anyStore(rt).ReplaceChunk(rt.Context(), store.ChunkID{Group: m.group(), Name: name}, size, data, ttl)
	switch {
	case m.rev.IsZero():
		require.ErrorIs(rt, err, store.ErrGone)
	case size != int64(len(m.chunks[name].data)):
		require.ErrorIs(rt, err, store.ErrConflict)
	case len(data) == 0:
		require.NoError(rt, err)
		delete(m.chunks, name)
	default:
		require.NoError(rt, err)
		m.chunks[name] = modelChunk{data: string(data), mortal: ttl > 0}
	}
}

func (m *model) drop(rt *rapid.T) {
	require.NoError(rt, m.anyStore(rt).Drop(rt.Context(), m.group()))
	m.clear()
}

func (m *model) time(*rapid.T) {
	m.h.Advance(modelStep)
	maps.DeleteFunc(m.keys, func(_ string, i modelItem) bool { return i.mortal })
	maps.DeleteFunc(m.chunks, func(_ string, c modelChunk) bool { return c.mortal })
	clear(m.leases)
	clear(m.counts)
}

func (m *model) acquire(rt *rapid.T) {
	name, holder := anyName(rt, "lease"), anyName(rt, "holder")
	_, err := m.anyStore(rt).Acquire(rt.Context(), m.prefix+name, holder, modelTTL)
	if held, ok := m.leases[name]; ok && held != holder {
		var got *store.LeaseHeldError
		require.ErrorAs(rt, err, &got)
		require.Equal(rt, held, got.Holder)
		return
	}
	require.NoError(rt, err)
	m.leases[name] = holder
}

func (m *model) release(rt *rapid.T) {
	name, holder := anyName(rt, "lease"), anyName(rt, "holder")
	require.NoError(rt, m.anyStore(rt).Release(rt.Context(), store.Lease{Name: m.prefix + name, Holder: holder}))
	if m.leases[name] == holder {
		delete(m.leases, name)
	}
}

func (m *model) count(rt *rapid.T) {
	name, limit := anyName(rt, "counter"), rapid.Int64Range(1, 4).Draw(rt, "limit")
	ok, _, err := m.anyStore(rt).Count(rt.Context(), m.prefix+name, limit, modelTTL)
	require.NoError(rt, err)
	require.Equal(rt, m.counts[name] < limit, ok)
	if ok {
		m.counts[name]++
	}
}

// compare checks after each action that every store reads as the model says.
func (m *model) compare(rt *rapid.T) {
	names := slices.Sorted(maps.Keys(m.keys))
	want := store.Group{Rev: m.rev}
	for _, key := range names {
		item := m.keys[key]
		want.Items = append(want.Items, store.Item{Key: key, Rev: item.rev, Value: []byte(item.value)})
	}
	var wantChunks []store.ChunkInfo
	for _, name := range slices.Sorted(maps.Keys(m.chunks)) {
		wantChunks = append(wantChunks, store.ChunkInfo{Name: name, SizeBytes: int64(len(m.chunks[name].data))})
	}
	for _, s := range m.stores {
		got, err := s.Get(rt.Context(), m.group(), append(names, "never written")...)
		require.NoError(rt, err)
		require.Equal(rt, want, got)
		requireLists(rt, s, m.group(), "a", names)
		heads, err := s.Heads(rt.Context(), m.group())
		require.NoError(rt, err)
		require.Equal(rt, []store.Revision{m.rev}, heads)
		chunks, err := s.Chunks(rt.Context(), m.group(), "")
		require.NoError(rt, err)
		require.ElementsMatch(rt, wantChunks, chunks)
		for name, chunk := range m.chunks {
			data, _, err := s.ReadChunk(rt.Context(), store.ChunkID{Group: m.group(), Name: name}, 0, -1)
			require.NoError(rt, err)
			require.Equal(rt, chunk.data, string(data))
		}
	}
}
