package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

const (
	// growBlockBytes is up to what size an append makes the last block larger. Such a block fills a page alone, so that an
	// append changes one page however many small ones came before.
	growBlockBytes = pageBytes - 150
	// maxBlockBytes is the size at which appended data is cut, so that reading a part does not read everything.
	maxBlockBytes = 64 << 10
)

// chunk is a chunk's row; the zero chunk is an absent one.
type chunk struct {
	id   int64
	size int64
}

// blockID orders blocks by chunk and offset. A chunk is smaller than 1<<32 bytes.
func blockID(chunk, off int64) int64 { return chunk<<32 | off }

func (t *tx) chunk(ctx context.Context, group int64, name string) (chunk, error) {
	var c chunk
	_, err := t.row(ctx, "SELECT id, size FROM chunk WHERE grp = ? AND name = ? AND (expires IS NULL OR expires > ?)",
		[]any{group, name, t.nowMS}, &c.id, &c.size)
	return c, err
}

// append adds data to c, which is as checkAppends found it.
func (t *tx) append(ctx context.Context, g head, a store.Append, c chunk) error {
	if c.size == 0 {
		return t.create(ctx, g.id, a.Chunk, a.Data, a.TTL)
	}
	rest := a.Data
	at := c.size
	last, size, err := t.lastBlock(ctx, c)
	if err != nil {
		return err
	}
	if size+int64(len(rest)) <= growBlockBytes {
		if _, err := t.exec(ctx, "UPDATE block SET data = CAST(data || ? AS BLOB) WHERE id = ?", rest, last); err != nil {
			return err
		}
		rest = nil
	}
	if err := t.insertBlocks(ctx, c.id, at, rest); err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE chunk SET size = ?, expires = coalesce(?, expires) WHERE id = ?",
		c.size+int64(len(a.Data)), t.expiry(a.TTL), c.id)
	return err
}

func (t *tx) lastBlock(ctx context.Context, c chunk) (id, size int64, err error) {
	found, err := t.row(ctx, "SELECT id, length(data) FROM block WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
		[]any{blockID(c.id, 0), blockID(c.id+1, 0)}, &id, &size)
	if err == nil && (!found || id+size != blockID(c.id, c.size)) {
		err = fmt.Errorf("the file %w (a chunk's blocks do not add up)", ErrDamaged)
	}
	return id, size, err
}

// create makes a chunk where there is none, or an expired one.
func (t *tx) create(ctx context.Context, group int64, name string, data []byte, ttl time.Duration) error {
	if err := t.remove(ctx, group, name); err != nil {
		return err
	}
	res, err := t.exec(ctx, "INSERT INTO chunk (grp, name, size, expires) VALUES (?, ?, ?, ?)",
		group, name, len(data), t.expiry(ttl))
	if err != nil {
		return err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return err
	}
	return t.insertBlocks(ctx, id, 0, data)
}

func (t *tx) insertBlocks(ctx context.Context, chunk, at int64, data []byte) error {
	for len(data) > 0 {
		n := min(len(data), maxBlockBytes)
		if _, err := t.exec(ctx, "INSERT INTO block (id, data) VALUES (?, ?)", blockID(chunk, at), data[:n]); err != nil {
			return err
		}
		data = data[n:]
		at += int64(n)
	}
	return nil
}

func (t *tx) remove(ctx context.Context, group int64, name string) error {
	var id int64
	found, err := t.row(ctx, "DELETE FROM chunk WHERE grp = ? AND name = ? RETURNING id", []any{group, name}, &id)
	if !found {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM block WHERE id >= ? AND id < ?", blockID(id, 0), blockID(id+1, 0))
	return err
}

// ReplaceChunk implements [store.Store].
func (s *Store) ReplaceChunk(ctx context.Context, id store.ChunkID, size int64, data []byte, ttl time.Duration) error {
	if err := store.ValidateReplace(id, size, data, ttl); err != nil {
		return fmt.Errorf("replace chunk: %w", err)
	}
	err := s.write(ctx, false, func(ctx context.Context, t *tx) error {
		g, err := t.head(ctx, id.Group)
		if err != nil {
			return err
		}
		if g.rev.IsZero() {
			return store.ErrGone
		}
		c, err := t.chunk(ctx, g.id, id.Name)
		if err != nil {
			return err
		}
		if c.size != size {
			return &store.ConflictError{Group: id.Group, Chunk: id.Name}
		}
		if len(data) == 0 {
			return t.remove(ctx, g.id, id.Name)
		}
		return t.create(ctx, g.id, id.Name, data, ttl)
	})
	if err != nil {
		return fmt.Errorf("replace chunk %q of group %q: %w", id.Name, id.Group, err)
	}
	return nil
}

// The first block is the one that begins at or before the offset; an offset in the middle of a chunk has one.
const readQuery = `SELECT c.size, b.id & 0xffffffff, b.data FROM grp g
	JOIN chunk c ON c.grp = g.id AND c.name = ?2 AND (c.expires IS NULL OR c.expires > ?3)
	LEFT JOIN block b ON b.id < (c.id << 32) + ?5 AND b.id >= (
		SELECT coalesce(max(f.id), c.id << 32) FROM block f WHERE f.id >= c.id << 32 AND f.id <= (c.id << 32) + ?4)
	WHERE g.name = ?1 ORDER BY b.id`

// ReadChunk implements [store.Store].
func (s *Store) ReadChunk(ctx context.Context, id store.ChunkID, off, n int64) ([]byte, int64, error) {
	if err := store.ValidateRead(id, off); err != nil {
		return nil, 0, fmt.Errorf("read chunk: %w", err)
	}
	off = min(off, store.MaxChunkBytes)
	if n < 0 || n > store.MaxChunkBytes {
		n = store.MaxChunkBytes
	}
	var data []byte
	var size int64
	err := s.query(ctx, readQuery, func(rows *sql.Rows) error {
		var at sql.NullInt64
		var block sql.RawBytes
		if err := rows.Scan(&size, &at, &block); err != nil {
			return err
		}
		from := max(off-at.Int64, 0)
		until := min(off+n-at.Int64, int64(len(block)))
		if from < until {
			data = append(data, block[from:until]...)
		}
		return nil
	}, id.Group, id.Name, s.now().UnixMilli(), off, off+n)
	if err == nil && int64(len(data)) != max(0, min(n, size-off)) {
		err = fmt.Errorf("the file %w (a chunk's blocks do not add up)", ErrDamaged)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read chunk %q of group %q: %w", id.Name, id.Group, err)
	}
	return data, size, nil
}

const chunksQuery = `SELECT c.name, c.size FROM grp g JOIN chunk c ON c.grp = g.id
	AND c.name >= ?2 AND c.name < ?3 AND (c.expires IS NULL OR c.expires > ?4)
	WHERE g.name = ?1 ORDER BY c.name`

// Chunks implements [store.Store].
func (s *Store) Chunks(ctx context.Context, group, prefix string) ([]store.ChunkInfo, error) {
	if err := store.ValidateList(group, prefix); err != nil {
		return nil, fmt.Errorf("chunks: %w", err)
	}
	var out []store.ChunkInfo
	err := s.query(ctx, chunksQuery, func(rows *sql.Rows) error {
		var c store.ChunkInfo
		if err := rows.Scan(&c.Name, &c.SizeBytes); err != nil {
			return err
		}
		out = append(out, c)
		return nil
	}, group, prefix, above(prefix), s.now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("chunks of group %q: %w", group, err)
	}
	return out, nil
}
