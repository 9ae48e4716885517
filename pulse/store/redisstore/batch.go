package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// packed is one commit of several, in the form it is sent in.
type packed struct {
	index  int // among all that were asked for
	keys   []string
	args   []any
	whole  bool // send the script with it
	answer *redis.Cmd
}

// CommitMany implements [store.Batcher] with one pipeline. Where Redis has room for some of the commits only, the results
// of the others match [store.ErrFull].
func (s *Store) CommitMany(ctx context.Context, commits []store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(commits))
	all := s.pack(commits, results)
	if len(all) == 0 {
		return results, nil
	}
	all, err := do(ctx, s, false, func() ([]packed, error) { return s.sendAll(ctx, all) })
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	var full error
	noRoom := 0
	for _, p := range all {
		c := commits[p.index]
		rev, err := s.commitResult(ctx, c, p.answer)
		if err != nil {
			err = fmt.Errorf("commit to group %q: %w", c.Group, err)
		}
		results[p.index] = store.Result{Rev: rev, Err: err}
		switch {
		case errors.Is(err, store.ErrFull):
			noRoom, full = noRoom+1, err
		case err != nil && !store.Refused(err):
			return nil, err
		}
	}
	if noRoom == len(all) {
		return nil, full
	}
	return results, nil
}

// pack gives the valid commits. Several to one group are each sent with the script: were it unknown, and another process
// sent it meanwhile, they would happen in another order.
func (s *Store) pack(commits []store.Commit, results []store.Result) []packed {
	var all []packed
	perGroup := make(map[string]int)
	for i, c := range commits {
		if err := c.Validate(); err != nil {
			results[i].Err = fmt.Errorf("commit: %w", err)
			continue
		}
		perGroup[c.Group]++
		all = append(all, packed{index: i, keys: s.keys.group(c.Group).all(), args: s.commitArgs(c)})
	}
	for i := range all {
		all[i].whole = perGroup[commits[all[i].index].Group] > 1
	}
	return all
}

func (s *Store) commitResult(ctx context.Context, c store.Commit, answer *redis.Cmd) (store.Revision, error) {
	parts, err := answer.Slice()
	if err != nil {
		return store.Revision{}, s.translate(ctx, err)
	}
	return s.verdict(c, parts)
}

// sendAll makes the commits and leaves the answer to each in it. Those that found the script unknown are sent again with it.
func (s *Store) sendAll(ctx context.Context, all []packed) ([]packed, error) {
	which := make([]*packed, len(all))
	for i := range all {
		which[i] = &all[i]
	}
	if err := s.send(ctx, which); err != nil {
		return nil, err
	}
	var unknown []*packed
	for _, p := range which {
		if redis.HasErrorPrefix(p.answer.Err(), "NOSCRIPT") {
			p.whole = true
			unknown = append(unknown, p)
		}
	}
	if len(unknown) == 0 {
		return all, nil
	}
	return all, s.send(ctx, unknown)
}

// send makes one round trip. Its error is that of the connection; what the server says, each answer tells.
func (s *Store) send(ctx context.Context, which []*packed) error {
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, p := range which {
			run := s.scripts.commit.EvalSha
			if p.whole {
				run = s.scripts.commit.Eval
			}
			p.answer = run(ctx, pipe, p.keys, p.args...)
		}
		return nil
	})
	if err != nil && !answered(err) {
		return err
	}
	return nil
}
