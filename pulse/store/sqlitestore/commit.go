package sqlitestore

import (
	"context"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// packed is a commit with its values in the form they are kept in, made before the write lock is taken.
type packed struct {
	store.Commit
	kinds  []int    // codec of each op's value
	values [][]byte // of each op
}

func (s *Store) pack(c store.Commit) packed {
	p := packed{Commit: c, kinds: make([]int, len(c.Ops)), values: make([][]byte, len(c.Ops))}
	for i, op := range c.Ops {
		if !op.CheckOnly && !op.Delete {
			p.kinds[i], p.values[i] = s.codec.encode(op.Value)
		}
	}
	return p
}

// Commit implements [store.Store].
func (s *Store) Commit(ctx context.Context, c store.Commit) (store.Revision, error) {
	results, err := s.CommitMany(ctx, []store.Commit{c})
	if err != nil {
		return store.Revision{}, err
	}
	return results[0].Rev, results[0].Err
}

// CommitMany implements [store.Batcher] with one transaction.
func (s *Store) CommitMany(ctx context.Context, commits []store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(commits))
	all := make([]packed, len(commits))
	durable, valid := false, 0
	for i, c := range commits {
		if err := c.Validate(); err != nil {
			results[i].Err = fmt.Errorf("commit: %w", err)
			continue
		}
		valid++
		durable = durable || c.Durable
		all[i] = s.pack(c)
	}
	if valid == 0 {
		return results, nil
	}
	err := s.write(ctx, durable, func(ctx context.Context, t *tx) error {
		for i := range all {
			if results[i].Err != nil {
				continue
			}
			rev, err := t.commit(ctx, &all[i])
			if err != nil && !store.Refused(err) {
				return fmt.Errorf("group %q: %w", commits[i].Group, err)
			}
			if err != nil {
				err = fmt.Errorf("commit to group %q: %w", commits[i].Group, err)
			}
			results[i] = store.Result{Rev: rev, Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	for i := range all {
		if results[i].Err == nil && commits[i].Writes() {
			s.watcher.own(commits[i].Group, results[i].Rev)
		}
	}
	return results, nil
}

// commit makes all checks before the first change, so that a refused commit leaves the transaction as it was.
func (t *tx) commit(ctx context.Context, p *packed) (store.Revision, error) {
	g, err := t.head(ctx, p.Group)
	if err != nil {
		return store.Revision{}, err
	}
	if g.rev.Epoch != p.Epoch {
		if p.Epoch == 0 {
			return store.Revision{}, &store.ConflictError{Group: p.Group}
		}
		return store.Revision{}, store.ErrGone
	}
	if err := t.checkOps(ctx, g, p); err != nil {
		return store.Revision{}, err
	}
	chunks, err := t.checkAppends(ctx, g, p)
	if err != nil {
		return store.Revision{}, err
	}
	if !p.Writes() {
		return g.rev, nil
	}
	if g, err = t.advance(ctx, g, p.Group); err != nil {
		return store.Revision{}, err
	}
	if err := t.applyOps(ctx, g, p); err != nil {
		return store.Revision{}, err
	}
	for i, a := range p.Appends {
		if err := t.append(ctx, g, a, chunks[i]); err != nil {
			return store.Revision{}, err
		}
	}
	return g.rev, nil
}

func (t *tx) checkOps(ctx context.Context, g head, p *packed) error {
	for _, op := range p.Ops {
		if op.Any {
			continue
		}
		var rev store.Revision
		found, err := t.row(ctx, "SELECT n FROM item WHERE grp = ? AND key = ? AND (expires IS NULL OR expires > ?)",
			[]any{g.id, op.Key, t.nowMS}, &rev.N)
		if err != nil {
			return err
		}
		if found {
			rev.Epoch = g.rev.Epoch
		}
		if rev != op.Rev {
			return &store.ConflictError{Group: p.Group, Key: op.Key}
		}
	}
	return nil
}

func (t *tx) checkAppends(ctx context.Context, g head, p *packed) ([]chunk, error) {
	chunks := make([]chunk, len(p.Appends))
	for i, a := range p.Appends {
		c, err := t.chunk(ctx, g.id, a.Chunk)
		if err != nil {
			return nil, err
		}
		if c.size != a.At {
			return nil, &store.ConflictError{Group: p.Group, Chunk: a.Chunk}
		}
		chunks[i] = c
	}
	return chunks, nil
}

// advance counts a commit of the group, which may be its first.
func (t *tx) advance(ctx context.Context, g head, group string) (head, error) {
	if !g.rev.IsZero() {
		g.rev.N++
		_, err := t.exec(ctx, "UPDATE grp SET n = n + 1 WHERE id = ?", g.id)
		return g, err
	}
	g.rev = store.Revision{Epoch: store.NewEpoch(), N: 1}
	//nolint:gosec // the same 64 bits; SQLite's integers have a sign
	res, err := t.exec(ctx, "INSERT INTO grp (name, epoch, n) VALUES (?, ?, 1)", group, int64(g.rev.Epoch))
	if err != nil {
		return g, err
	}
	g.id, err = res.LastInsertId()
	return g, err
}

const putQuery = `INSERT INTO item (grp, key, n, expires, codec, value) VALUES (?, ?, ?, ?, ?, ?)
	ON CONFLICT (grp, key) DO UPDATE SET n = excluded.n, expires = excluded.expires, codec = excluded.codec, value = excluded.value`

func (t *tx) applyOps(ctx context.Context, g head, p *packed) error {
	for i, op := range p.Ops {
		var err error
		switch {
		case op.CheckOnly:
		case op.Delete:
			_, err = t.exec(ctx, "DELETE FROM item WHERE grp = ? AND key = ?", g.id, op.Key)
		default:
			//nolint:gosec // counted up from 1
			_, err = t.exec(ctx, putQuery, g.id, op.Key, int64(g.rev.N), t.expiry(op.TTL), p.kinds[i], p.values[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Drop implements [store.Store]. Space that becomes free is used again, and given back to the file system if it is much.
func (s *Store) Drop(ctx context.Context, group string) error {
	if err := store.ValidateName("group", group); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	err := s.write(ctx, true, func(ctx context.Context, t *tx) error {
		g, err := t.head(ctx, group)
		if err != nil || g.rev.IsZero() {
			return err
		}
		for _, query := range []string{
			`DELETE FROM block WHERE id IN (SELECT b.id FROM chunk c JOIN block b
				ON b.id >= c.id << 32 AND b.id < (c.id + 1) << 32 WHERE c.grp = ?)`,
			"DELETE FROM chunk WHERE grp = ?",
			"DELETE FROM item WHERE grp = ?",
			"DELETE FROM grp WHERE id = ?",
		} {
			if _, err := t.exec(ctx, query, g.id); err != nil {
				return err
			}
		}
		s.writer.nextSweep = time.Time{} // the write lock is held; what became free may be worth giving back at once
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop group %q: %w", group, err)
	}
	s.watcher.own(group, store.Revision{})
	return nil
}
