package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Stats implements [store.Measurer] with the memory of the whole server; FreeBytes is what is left of its maxmemory.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	answer, err := do(ctx, s, true, func() (string, error) { return s.client.Info(ctx, "memory").Result() })
	if err != nil {
		return store.Stats{}, fmt.Errorf("stats: %w", err)
	}
	facts := make(map[string]string)
	readInfo(answer, facts)
	used, err := strconv.ParseInt(facts["used_memory"], 10, 64)
	if err != nil {
		return store.Stats{}, fmt.Errorf("stats: %w", s.strange(answer))
	}
	st := store.Stats{SizeBytes: used}
	if limit, err := strconv.ParseInt(facts["maxmemory"], 10, 64); err == nil && limit > 0 {
		st.FreeBytes, st.FreeKnown = max(0, limit-used), true
	}
	return st, nil
}
