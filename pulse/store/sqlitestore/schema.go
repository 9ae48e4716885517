package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

const (
	applicationID   = 0x50756c73 // "Puls", in the file's header
	checkWholeBytes = 64 << 20

	// pageBytes is the unit of all writing. Most commits change a few bytes on each of a few pages, so half of SQLite's
	// default saves a third to half of what goes to disk; a quarter saves little more and slows large values.
	pageBytes = 2048
)

// migrations bring a file forward, each by one version; a file's version is how many of them it has seen.
//
// Numbers stand before large columns, so that reading them does not touch the pages a large value overflows to. Expiry is
// in milliseconds since 1970, null for never. The blocks of a chunk lie together, since their ids are made of the chunk's
// id and their offset.
func migrations() []string {
	return []string{
		`CREATE TABLE grp (
			id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, n INTEGER NOT NULL
		);
		CREATE TABLE item (
			id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, key TEXT NOT NULL,
			n INTEGER NOT NULL, expires INTEGER, codec INTEGER NOT NULL, value BLOB NOT NULL,
			UNIQUE (grp, key)
		);
		CREATE INDEX item_expires ON item (expires) WHERE expires IS NOT NULL;
		CREATE TABLE chunk (
			id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, name TEXT NOT NULL,
			size INTEGER NOT NULL, expires INTEGER,
			UNIQUE (grp, name)
		);
		CREATE INDEX chunk_expires ON chunk (expires) WHERE expires IS NOT NULL;
		CREATE TABLE block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
		CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;`,
	}
}

// prepareSchema checks the file behind conn before anything is written to it, and brings it to the latest version.
func prepareSchema(ctx context.Context, conn *sql.Conn) error {
	version, fresh, err := identify(ctx, conn)
	if err != nil {
		return err
	}
	if fresh {
		// Both have an effect only before anything is in the file; later they would still write to it.
		for _, pragma := range []string{fmt.Sprintf("PRAGMA page_size = %d", pageBytes), "PRAGMA auto_vacuum = INCREMENTAL"} {
			if _, err := conn.ExecContext(ctx, pragma); err != nil {
				return err
			}
		}
	} else if err := quickCheck(ctx, conn); err != nil {
		return err
	}
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%w: its file system cannot share memory between processes", ErrDirectory)
	}
	if version == len(migrations()) {
		return nil
	}
	return migrate(ctx, conn)
}

// identify refuses foreign files and those of a newer version. It reads in one transaction: between two readings another
// process may make a new file a store.
func identify(ctx context.Context, conn *sql.Conn) (version int, fresh bool, err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return 0, false, err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }() // nothing was written
	var app, tables int
	for query, dst := range map[string]*int{
		"PRAGMA application_id":              &app,
		"PRAGMA user_version":                &version,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := conn.QueryRowContext(ctx, query).Scan(dst); err != nil {
			return 0, false, err
		}
	}
	switch {
	case tables == 0 && app == 0 && version == 0:
		return 0, true, nil
	case app != applicationID:
		return 0, false, ErrForeign
	case version > len(migrations()):
		return 0, false, fmt.Errorf("%w (its format is %d, known are those up to %d)", ErrNewer, version, len(migrations()))
	}
	return version, false, nil
}

// quickCheck reads the tables a start depends on, and of a small file everything.
func quickCheck(ctx context.Context, conn *sql.Conn) error {
	var pages int64
	if err := conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return err
	}
	checks := []string{"PRAGMA quick_check(1)"}
	if pages*pageBytes > checkWholeBytes {
		checks = []string{"PRAGMA quick_check(grp)", "PRAGMA quick_check(item)", "PRAGMA quick_check(chunk)"}
	}
	for _, check := range checks {
		var found string
		if err := conn.QueryRowContext(ctx, check).Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("%w (%s)", ErrDamaged, strings.ReplaceAll(found, "\n", "; "))
		}
	}
	return nil
}

func migrate(ctx context.Context, conn *sql.Conn) (err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // the first error tells more
		}
	}()
	var version int // read again under the lock: another process may have been faster
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	all := migrations()
	for version < len(all) {
		if _, err := conn.ExecContext(ctx, all[version]); err != nil {
			return err
		}
		version++
	}
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version)
	if _, err := conn.ExecContext(ctx, mark); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
