package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/proxpulse/proxpulse/pulse/store"
)

const statsQuery = `SELECT (SELECT page_count FROM pragma_page_count),
	(SELECT freelist_count FROM pragma_freelist_count)`

// Stats implements [store.Measurer]. FreeBytes is what the file system offers this user, or what is left of
// Options.MaxPages if that is less.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	var pages, unused int64
	err := s.query(ctx, statsQuery, func(rows *sql.Rows) error { return rows.Scan(&pages, &unused) })
	if err != nil {
		return store.Stats{}, fmt.Errorf("stats: %w", err)
	}
	st := store.Stats{ReusableBytes: unused * pageBytes}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return store.Stats{}, fmt.Errorf("stats: %w", err)
		}
		st.SizeBytes += info.Size()
	}
	st.FreeBytes, st.FreeKnown = diskFree(filepath.Dir(s.path))
	if s.maxPages > 0 {
		left := max(0, s.maxPages-pages) * pageBytes
		if !st.FreeKnown || left < st.FreeBytes {
			st.FreeBytes, st.FreeKnown = left, true
		}
	}
	return st, nil
}
