package redisstore

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// scripts are what the store runs on the server.
type scripts struct {
	commit, replace, get, list, chunks, read, count, acquire, release, rights script
}

// script is one of them with its source, which is sent when the server does not know it.
type script struct {
	*redis.Script
	source string
	reads  bool // it writes nothing
}

func newScripts() (scripts, error) {
	var s scripts
	prelude, err := sources.ReadFile("lua/prelude.lua")
	if err != nil {
		return s, err
	}
	for name, at := range map[string]*script{
		"commit": &s.commit, "replace": &s.replace, "get": &s.get, "list": &s.list, "chunks": &s.chunks,
		"read": &s.read, "count": &s.count, "acquire": &s.acquire, "release": &s.release, "rights": &s.rights,
	} {
		body, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			return s, err
		}
		at.source = string(prelude) + string(body)
		at.Script = redis.NewScript(at.source)
	}
	for _, at := range []*script{&s.get, &s.list, &s.chunks, &s.read} {
		at.reads = true
	}
	return s, nil
}

// call runs a script in one round trip and gives its answer. The first of the script's arguments is the clock's lead.
// The arguments must not share memory with the caller of the store.
func (s *Store) call(ctx context.Context, sc script, keys []string, args ...any) ([]any, error) {
	args = append([]any{s.clockOffset()}, args...)
	run := sc.Run
	if sc.reads {
		run = sc.RunRO
	}
	answer, err := do(ctx, s, sc.reads, func() (any, error) { return run(ctx, s.client, keys, args...).Result() })
	if err != nil {
		return nil, err
	}
	switch answer := answer.(type) {
	case []any:
		return answer, nil
	case string:
		return []any{answer}, nil
	}
	return nil, s.strange(answer)
}

// result is what a conversation with Redis came to.
type result[T any] struct {
	value T
	err   error
}

// do has a conversation with Redis, again at once if the connection broke and reads tells that it does no harm.
//
// The client cannot be interrupted while it waits for an answer. When ctx ends early, do returns, and the conversation
// ends by itself, at the latest with a time-out; Close waits for it.
func do[T any](ctx context.Context, s *Store, reads bool, talk func() (T, error)) (T, error) {
	var none T
	if err := s.enter(ctx); err != nil {
		return none, err
	}
	done := make(chan result[T], 1)
	go func() {
		defer s.gate.RUnlock()
		value, err := talk()
		if reads && broken(err) && ctx.Err() == nil {
			value, err = talk()
		}
		done <- result[T]{value, err}
	}()
	select {
	case r := <-done:
		return r.value, s.translate(ctx, r.err)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// strange is the error for an answer that no script of this package gives.
func (s *Store) strange(answer any) error {
	return fmt.Errorf("redis at %s answered what was not understood (%.80q)", s.address, fmt.Sprint(answer))
}

// text gives an answer's part i, or "" where there is none.
func text(answer []any, i int) string {
	if i >= len(answer) {
		return ""
	}
	switch part := answer[i].(type) {
	case string:
		return part
	case int64:
		return strconv.FormatInt(part, 10)
	}
	return ""
}

// micros gives a time to live in microseconds, rounded up.
func micros(d time.Duration) int64 {
	us := d.Microseconds()
	if d%time.Microsecond > 0 {
		us++
	}
	return us
}
