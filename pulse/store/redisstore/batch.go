package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// CommitMany implements [store.Batcher] with one pipeline. Where Redis has room for some of the commits only, the results
// of the others match [store.ErrFull].
func (s *Store) CommitMany(ctx context.Context, commits []store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(commits))
	var valid []int
	for i, c := range commits {
		if err := c.Validate(); err != nil {
			results[i].Err = fmt.Errorf("commit: %w", err)
			continue
		}
		valid = append(valid, i)
	}
	if len(valid) == 0 {
		return results, nil
	}
	if err := s.enter(ctx); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	defer s.gate.RUnlock()
	var full error
	noRoom := 0
	for i, answer := range s.commitAll(ctx, commits, valid) {
		parts, err := answer.Slice()
		results[i].Rev, results[i].Err = s.outcome(ctx, commits[i], parts, err)
		switch err := results[i].Err; {
		case errors.Is(err, store.ErrFull):
			noRoom, full = noRoom+1, err
		case err != nil && !store.Refused(err):
			return nil, err
		}
	}
	if noRoom == len(valid) {
		return nil, full
	}
	return results, nil
}

// commitAll makes some of the commits and gives the answer to each. Those that found the script unknown are sent again
// with it; a server that forgot the script in between did not do them, so the order stays.
func (s *Store) commitAll(ctx context.Context, commits []store.Commit, which []int) map[int]*redis.Cmd {
	answers := make(map[int]*redis.Cmd, len(which))
	s.send(ctx, commits, which, answers, s.scripts.commit.EvalSha)
	var unknown []int
	for _, i := range which {
		if redis.HasErrorPrefix(answers[i].Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) > 0 {
		s.send(ctx, commits, unknown, answers, s.scripts.commit.Eval)
	}
	return answers
}

// send makes one round trip.
func (s *Store) send(ctx context.Context, commits []store.Commit, which []int, answers map[int]*redis.Cmd,
	run func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd,
) {
	_, _ = s.client.Pipelined(ctx, func(p redis.Pipeliner) error { // each answer has its own error
		for _, i := range which {
			answers[i] = run(ctx, p, s.keys.group(commits[i].Group).all(), s.commitArgs(commits[i])...)
		}
		return nil
	})
}
