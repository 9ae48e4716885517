package lab

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// RedisTraffic is what a Redis was asked since it started or [Redis.ForgetTraffic].
type RedisTraffic struct {
	// Calls are the numbers of commands by their name, as "evalsha"; those that scripts make count too.
	Calls map[string]int64
	// ReceivedBytes and SentBytes are what came from clients and went to them.
	ReceivedBytes, SentBytes int64
}

// Traffic tells what it was asked, by INFO; that question itself counts.
func (r *Redis) Traffic(ctx context.Context) (RedisTraffic, error) {
	answer, err := r.Do(ctx, "INFO", "all")
	if err != nil {
		return RedisTraffic{}, err
	}
	text, _ := answer.(string)
	traffic := RedisTraffic{Calls: map[string]int64{}}
	var bad []error
	number := func(name, text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			bad = append(bad, fmt.Errorf("redis tells %s: %w", name, err))
		}
		return n
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		command, counts := strings.CutPrefix(name, "cmdstat_")
		switch {
		case counts:
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			traffic.Calls[command] = number(name, calls)
		case name == "total_net_input_bytes":
			traffic.ReceivedBytes = number(name, value)
		case name == "total_net_output_bytes":
			traffic.SentBytes = number(name, value)
		}
	}
	return traffic, errors.Join(bad...)
}

// ForgetTraffic starts the counts afresh.
func (r *Redis) ForgetTraffic(ctx context.Context) error {
	_, err := r.Do(ctx, "CONFIG", "RESETSTAT")
	return err
}
