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
	var sections []*redis.StringCmd
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, section := range []string{"server", "memory", "replication"} {
			sections = append(sections, p.Info(ctx, section))
		}
		return nil
	})
	if err != nil {
		return openError(ctx, err)
	}
	facts := make(map[string]string)
	for _, section := range sections {
		readInfo(section.Val(), facts)
	}
	return judge(facts)
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
	if facts["role"] == "slave" {
		return errors.New("is a read-only replica; name the primary in the URL")
	}
	if policy := facts["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		return fmt.Errorf("has the maxmemory-policy %s, which throws data away when memory runs out; set maxmemory-policy noeviction", policy)
	}
	return nil
}
