package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// oldestMajor is the first version of Redis with all that is needed.
const oldestMajor = 7

// probe checks that the server can be reached and used. Its errors follow the server's address.
func (s *Store) probe(ctx context.Context) error {
	answer, err := s.client.Info(ctx).Result()
	if err != nil {
		return openError(ctx, err)
	}
	facts := make(map[string]string)
	readInfo(answer, facts)
	if err := judge(facts); err != nil {
		return err
	}
	return s.tryRights(ctx)
}

// tryRights does once what later calls do, so that a user who may not is told so at the start. Nothing of it stays. A full
// server passes: what it has can be read, and it may get room.
func (s *Store) tryRights(ctx context.Context) error {
	nobody := s.keys.group("rights")
	cmds, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		s.scripts.rights.Eval(ctx, p, []string{s.keys.rights()})
		s.scripts.get.EvalRO(ctx, p, []string{nobody.meta(), nobody.revisions(), nobody.values()}, 0)
		p.Publish(ctx, s.keys.channel(), "")
		return nil
	})
	if err != nil && !answered(err) {
		return openError(ctx, err)
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !full(err) {
			return openError(ctx, err)
		}
	}
	return nil
}

// readInfo adds the facts of an answer to INFO.
func readInfo(answer string, facts map[string]string) {
	for line := range strings.Lines(answer) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			facts[name] = value
		}
	}
}

// judge says what is wrong with a server.
func judge(facts map[string]string) error {
	version := facts["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestMajor {
		return fmt.Errorf("has version %q; Pulse needs %d.0 or later", version, oldestMajor)
	}
	switch {
	case facts["redis_mode"] == "sentinel":
		return errors.New("is a Sentinel; name the primary in the URL")
	case facts["redis_mode"] == "cluster", facts["cluster_enabled"] == "1":
		return errors.New("is part of a Redis Cluster, which Pulse does not use yet; name a server on its own")
	case facts["role"] == "slave":
		return errors.New("is a read-only replica; name the primary in the URL")
	case facts["loading"] != "" && facts["loading"] != "0":
		return passing("is still loading its data; try again when it is done")
	}
	if policy := facts["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		return fmt.Errorf("has the maxmemory-policy %s, which throws data away when memory runs out; set maxmemory-policy noeviction", policy)
	}
	return nil
}
