package pulse_test

import (
	"context"
	"errors"
	"sync"

	"github.com/proxpulse/proxpulse/pulse/store"
)

var errDisk = errors.New("no space left")

// hookStore is a store that counts the commits it made, and asks its hooks first; nil hooks let everything through.
type hookStore struct {
	store.Store

	mu      sync.Mutex
	commit  func(store.Commit) error
	read    func(group string) error
	drop    func() error
	after   func(store.Commit)
	hangs   bool
	commits []store.Commit
}

// hook sets one hook, as in l.hooks.hook(&l.hooks.commit, f).
func hook[F any](h *hookStore, field *F, f F) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*field = f
}

func (h *hookStore) Commit(ctx context.Context, c store.Commit) (store.Revision, error) {
	h.mu.Lock()
	before, after, hangs := h.commit, h.after, h.hangs
	h.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return store.Revision{}, ctx.Err()
	}
	if before != nil {
		if err := before(c); err != nil {
			return store.Revision{}, err
		}
		ctx = context.WithoutCancel(ctx) // a commit that has begun need not end with its context
	}
	rev, err := h.Store.Commit(ctx, c)
	if err == nil {
		h.mu.Lock()
		h.commits = append(h.commits, c)
		h.mu.Unlock()
		if after != nil {
			after(c)
		}
	}
	return rev, err
}

func (h *hookStore) Get(ctx context.Context, group string, keys ...string) (store.Group, error) {
	if err := h.reading(group); err != nil {
		return store.Group{}, err
	}
	return h.Store.Get(ctx, group, keys...)
}

func (h *hookStore) List(ctx context.Context, group, prefix string) (store.Group, error) {
	if err := h.reading(group); err != nil {
		return store.Group{}, err
	}
	return h.Store.List(ctx, group, prefix)
}

func (h *hookStore) reading(group string) error {
	h.mu.Lock()
	read := h.read
	h.mu.Unlock()
	if read == nil {
		return nil
	}
	return read(group)
}

func (h *hookStore) Drop(ctx context.Context, group string) error {
	h.mu.Lock()
	drop := h.drop
	h.mu.Unlock()
	if drop != nil {
		if err := drop(); err != nil {
			return err
		}
	}
	return h.Store.Drop(ctx, group)
}

// full makes every commit fail.
func (h *hookStore) full() { hook(h, &h.commit, func(store.Commit) error { return errDisk }) }

// heal makes commits work again.
func (h *hookStore) heal() { hook(h, &h.commit, nil) }

// writesOf counts the commits that wrote a key of a group.
func (h *hookStore) writesOf(group, key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, c := range h.commits {
		if c.Group == group && writes(c, key) {
			n++
		}
	}
	return n
}

func writes(c store.Commit, key string) bool {
	for _, op := range c.Ops {
		if op.Key == key && !op.Delete {
			return true
		}
	}
	return false
}

// fullAndUnreadable makes everything fail but hints and leases.
func (h *hookStore) fullAndUnreadable() {
	h.full()
	hook(h, &h.read, func(string) error { return errDisk })
}

// healAll ends that.
func (h *hookStore) healAll() {
	h.heal()
	hook(h, &h.read, nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hangs = false
}

// Heads gives the heads that can be read.
func (h *hookStore) Heads(ctx context.Context, groups ...string) ([]store.Revision, error) {
	for _, group := range groups {
		if err := h.reading(group); err != nil {
			return nil, err
		}
	}
	return h.Store.Heads(ctx, groups...)
}

// hang has commits and readings wait until their contexts end.
func (h *hookStore) hang() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hangs = true
}
