package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// query runs a read and calls scan for each row.
func (s *Store) query(ctx context.Context, query string, scan func(*sql.Rows) error, args ...any) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	return translate(ctx, s.queryRows(ctx, query, scan, args...))
}

func (s *Store) queryRows(ctx context.Context, query string, scan func(*sql.Rows) error, args ...any) error {
	stmt, err := s.readStmt.get(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(rows); err != nil {
			_ = rows.Close() // the first error tells more
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// list makes one argument of many names, so that one prepared statement serves any number of them.
func list(names []string) (string, error) {
	b, err := json.Marshal(names)
	return string(b), err
}

// above is larger than every name that begins with prefix, and than no other: no UTF-8 text has this byte.
func above(prefix string) string { return prefix + "\xff" }

const headsQuery = "SELECT name, epoch, n FROM grp WHERE name IN (SELECT value FROM json_each(?))"

// Heads implements [store.Store].
func (s *Store) Heads(ctx context.Context, groups ...string) ([]store.Revision, error) {
	if err := store.ValidateHeads(groups); err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	names, err := list(groups)
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	found := make(map[string]store.Revision, len(groups))
	err = s.query(ctx, headsQuery, func(rows *sql.Rows) error { return scanHead(rows, found) }, names)
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	revs := make([]store.Revision, len(groups))
	for i, g := range groups {
		revs[i] = found[g]
	}
	return revs, nil
}

func scanHead(rows *sql.Rows, into map[string]store.Revision) error {
	var name string
	var epoch int64
	var n uint64
	if err := rows.Scan(&name, &epoch, &n); err != nil {
		return err
	}
	into[name] = store.Revision{Epoch: uint64(epoch), N: n} //nolint:gosec // the same 64 bits
	return nil
}

const getQuery = `SELECT g.epoch, g.n, i.key, i.n, i.codec, i.value FROM grp g
	LEFT JOIN item i ON i.grp = g.id AND i.key IN (SELECT value FROM json_each(?2))
		AND (i.expires IS NULL OR i.expires > ?3)
	WHERE g.name = ?1`

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, group string, keys ...string) (store.Group, error) {
	if err := store.ValidateGet(group, keys); err != nil {
		return store.Group{}, fmt.Errorf("get: %w", err)
	}
	names, err := list(keys)
	if err != nil {
		return store.Group{}, fmt.Errorf("get from group %q: %w", group, err)
	}
	var out store.Group
	found := make(map[string]store.Item, len(keys))
	err = s.query(ctx, getQuery, func(rows *sql.Rows) error {
		item, err := s.scanItem(rows, &out.Rev)
		if item.Key != "" {
			found[item.Key] = item
		}
		return err
	}, group, names, s.now().UnixMilli())
	if err != nil {
		return store.Group{}, fmt.Errorf("get from group %q: %w", group, err)
	}
	for i, key := range keys {
		item, ok := found[key]
		if !ok {
			continue
		}
		if len(found) < len(keys) && slices.Contains(keys[:i], key) {
			item.Value = append([]byte{}, item.Value...) // asked for twice: each gets its own
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// scanItem gives an item without key for the row of a group that has none of the keys.
func (s *Store) scanItem(rows *sql.Rows, head *store.Revision) (store.Item, error) {
	var epoch int64
	var key sql.NullString
	var n, kind sql.NullInt64
	var data sql.RawBytes
	if err := rows.Scan(&epoch, &head.N, &key, &n, &kind, &data); err != nil {
		return store.Item{}, err
	}
	head.Epoch = uint64(epoch) //nolint:gosec // the same 64 bits
	if !key.Valid {
		return store.Item{}, nil
	}
	value, err := s.codec.decode(int(kind.Int64), data)
	if err != nil {
		return store.Item{}, fmt.Errorf("key %q: %w", key.String, err)
	}
	rev := store.Revision{Epoch: head.Epoch, N: uint64(n.Int64)} //nolint:gosec // counted up from 1
	return store.Item{Key: key.String, Rev: rev, Value: value}, nil
}

const listQuery = `SELECT g.epoch, g.n, i.key, i.n FROM grp g
	LEFT JOIN item i ON i.grp = g.id AND i.key >= ?2 AND i.key < ?3 AND (i.expires IS NULL OR i.expires > ?4)
	WHERE g.name = ?1 ORDER BY i.key`

// List implements [store.Store].
func (s *Store) List(ctx context.Context, group, prefix string) (store.Group, error) {
	if err := store.ValidateList(group, prefix); err != nil {
		return store.Group{}, fmt.Errorf("list: %w", err)
	}
	var out store.Group
	err := s.query(ctx, listQuery, func(rows *sql.Rows) error {
		var epoch int64
		var key sql.NullString
		var n sql.NullInt64
		if err := rows.Scan(&epoch, &out.Rev.N, &key, &n); err != nil {
			return err
		}
		out.Rev.Epoch = uint64(epoch) //nolint:gosec // the same 64 bits
		if key.Valid {
			rev := store.Revision{Epoch: out.Rev.Epoch, N: uint64(n.Int64)} //nolint:gosec // counted up from 1
			out.Items = append(out.Items, store.Item{Key: key.String, Rev: rev})
		}
		return nil
	}, group, prefix, above(prefix), s.now().UnixMilli())
	if err != nil {
		return store.Group{}, fmt.Errorf("list group %q: %w", group, err)
	}
	return out, nil
}
