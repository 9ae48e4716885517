package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// ReadChunk implements [store.Store].
func (s *Store) ReadChunk(ctx context.Context, id store.ChunkID, off, n int64) ([]byte, int64, error) {
	if err := store.ValidateRead(id, off); err != nil {
		return nil, 0, fmt.Errorf("read chunk: %w", err)
	}
	off = min(off, store.MaxChunkBytes)
	if n < 0 || n > store.MaxChunkBytes {
		n = store.MaxChunkBytes
	}
	g := s.keys.group(id.Group)
	answer, err := s.call(ctx, s.scripts.read, []string{g.chunks(), g.blocks()}, id.Name, off, n)
	var data []byte
	var size int64
	if err == nil {
		data, size, err = s.join(answer, off, n)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read chunk %q of group %q: %w", id.Name, id.Group, err)
	}
	return data, size, nil
}

// join reads the answer to ReadChunk: the size of the chunk and the parts of what was asked for.
func (s *Store) join(answer []any, off, n int64) ([]byte, int64, error) {
	size, err := strconv.ParseInt(text(answer, 0), 10, 64)
	if err != nil {
		return nil, 0, s.strange(answer)
	}
	var length int64
	for i := 1; i < len(answer); i++ {
		length += int64(len(text(answer, i)))
	}
	if length != max(0, min(n, size-off)) {
		return nil, 0, fmt.Errorf("%w (a chunk's blocks do not add up)", errDamaged)
	}
	data := make([]byte, 0, length)
	for i := 1; i < len(answer); i++ {
		data = append(data, text(answer, i)...)
	}
	return data, size, nil
}

// ReplaceChunk implements [store.Store].
func (s *Store) ReplaceChunk(ctx context.Context, id store.ChunkID, size int64, data []byte, ttl time.Duration) error {
	if err := store.ValidateReplace(id, size, data, ttl); err != nil {
		return fmt.Errorf("replace chunk: %w", err)
	}
	g := s.keys.group(id.Group)
	answer, err := s.call(ctx, s.scripts.replace, []string{g.meta(), g.chunks(), g.blocks(), g.names(), g.deadlines()},
		id.Name, size, micros(ttl), string(data))
	if err == nil {
		switch text(answer, 0) {
		case "ok":
			return nil
		case "gone":
			err = store.ErrGone
		case "chunk":
			err = &store.ConflictError{Group: id.Group, Chunk: id.Name}
		default:
			err = s.strange(answer)
		}
	}
	return fmt.Errorf("replace chunk %q of group %q: %w", id.Name, id.Group, err)
}

// Chunks implements [store.Store].
func (s *Store) Chunks(ctx context.Context, group, prefix string) ([]store.ChunkInfo, error) {
	if err := store.ValidateList(group, prefix); err != nil {
		return nil, fmt.Errorf("chunks: %w", err)
	}
	g := s.keys.group(group)
	answer, err := s.call(ctx, s.scripts.chunks, []string{g.names(), g.chunks()}, prefix)
	if err != nil {
		return nil, fmt.Errorf("chunks of group %q: %w", group, err)
	}
	var out []store.ChunkInfo
	for i := 0; i+1 < len(answer); i += 2 {
		c := store.ChunkInfo{Name: text(answer, i)}
		if c.SizeBytes, err = strconv.ParseInt(text(answer, i+1), 10, 64); err != nil {
			return nil, fmt.Errorf("chunks of group %q: %w", group, s.strange(answer[i+1]))
		}
		out = append(out, c)
	}
	return out, nil
}
