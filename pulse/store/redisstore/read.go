package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Heads implements [store.Store] with one pipeline.
func (s *Store) Heads(ctx context.Context, groups ...string) ([]store.Revision, error) {
	if err := store.ValidateHeads(groups); err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	revs := make([]store.Revision, len(groups))
	names := slices.Clone(groups)
	heads, err := do(ctx, s, true, func() ([]*redis.SliceCmd, error) { return s.heads(ctx, names) })
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	for i := range revs {
		if revs[i], err = s.revision(heads[i].Val()); err != nil {
			return nil, fmt.Errorf("head of group %q: %w", names[i], err)
		}
	}
	return revs, nil
}

func (s *Store) heads(ctx context.Context, groups []string) ([]*redis.SliceCmd, error) {
	heads := make([]*redis.SliceCmd, len(groups))
	if len(groups) == 0 {
		return heads, nil
	}
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range groups {
			heads[i] = p.HMGet(ctx, s.keys.group(name).meta(), "e", "n")
		}
		return nil
	})
	return heads, err
}

// revision reads the epoch and number an answer begins with; an absent group has neither.
func (s *Store) revision(answer []any) (store.Revision, error) {
	epoch, n := text(answer, 0), text(answer, 1)
	if epoch == "" {
		return store.Revision{}, nil
	}
	var rev store.Revision
	var err error
	if rev.Epoch, err = strconv.ParseUint(epoch, 10, 64); err == nil {
		rev.N, err = strconv.ParseUint(n, 10, 64)
	}
	if err != nil {
		return store.Revision{}, s.strange([]string{epoch, n})
	}
	return rev, nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, group string, keys ...string) (store.Group, error) {
	if err := store.ValidateGet(group, keys); err != nil {
		return store.Group{}, fmt.Errorf("get: %w", err)
	}
	g := s.keys.group(group)
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	answer, err := s.call(ctx, s.scripts.get, []string{g.meta(), g.revisions(), g.values()}, args...)
	if err != nil {
		return store.Group{}, fmt.Errorf("get from group %q: %w", group, err)
	}
	out, err := s.readItems(answer, keys)
	if err != nil {
		return store.Group{}, fmt.Errorf("get from group %q: %w", group, err)
	}
	return out, nil
}

// readItems reads the answer to Get: after the head, place, revision and value of each key.
func (s *Store) readItems(answer []any, keys []string) (store.Group, error) {
	rev, err := s.revision(answer)
	if err != nil {
		return store.Group{}, err
	}
	out := store.Group{Rev: rev}
	for i := 2; i+2 < len(answer); i += 3 {
		place, err := strconv.Atoi(text(answer, i))
		if err != nil || place < 1 || place > len(keys) {
			return store.Group{}, s.strange(answer[i])
		}
		item := store.Item{Key: keys[place-1], Rev: store.Revision{Epoch: rev.Epoch}}
		if item.Rev.N, err = strconv.ParseUint(text(answer, i+1), 10, 64); err != nil {
			return store.Group{}, s.strange(answer[i+1])
		}
		if item.Value, err = s.codec.decode(text(answer, i+2)); err != nil {
			return store.Group{}, fmt.Errorf("key %q: %w", item.Key, err)
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, group, prefix string) (store.Group, error) {
	if err := store.ValidateList(group, prefix); err != nil {
		return store.Group{}, fmt.Errorf("list: %w", err)
	}
	g := s.keys.group(group)
	answer, err := s.call(ctx, s.scripts.list, []string{g.meta(), g.names(), g.revisions()}, prefix)
	if err != nil {
		return store.Group{}, fmt.Errorf("list group %q: %w", group, err)
	}
	rev, err := s.revision(answer)
	if err != nil {
		return store.Group{}, fmt.Errorf("list group %q: %w", group, err)
	}
	out := store.Group{Rev: rev}
	for i := 2; i+1 < len(answer); i += 2 {
		item := store.Item{Key: text(answer, i), Rev: store.Revision{Epoch: rev.Epoch}}
		if item.Rev.N, err = strconv.ParseUint(text(answer, i+1), 10, 64); err != nil {
			return store.Group{}, fmt.Errorf("list group %q: %w", group, s.strange(answer[i+1]))
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}
