package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// What [Open] may find, and later calls, too, where it happens to an open file.
var (
	// ErrDirectory reports a directory that does not exist or may not be written by this user, or such a file.
	ErrDirectory = errors.New("cannot be used")
	// ErrForeign reports a file that is no SQLite database, or another program's.
	ErrForeign = errors.New("is not a Pulse store; move it away or choose another place for the data")
	// ErrDamaged reports a file with damaged content.
	ErrDamaged = errors.New("is damaged; restore it from a backup or move it away")
	// ErrNewer reports a file with a later format than this version knows.
	ErrNewer = errors.New("was written by a newer version of Pulse; update this one")
	// ErrLocked reports that another process kept the file locked for longer than Options.Patience.
	ErrLocked = errors.New("is locked by another program; stop that one or wait until it is done")
)

// code gives the extended result code of an error of SQLite, 0 of another error.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// translate turns SQLite's error into one a caller can branch on, and prefers the context's own.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	c := code(err)
	if ctxErr := ctx.Err(); ctxErr != nil && (c == 0 || c == lib.SQLITE_INTERRUPT || c&0xff == lib.SQLITE_BUSY) {
		return ctxErr
	}
	switch c {
	case lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_SHMSIZE, lib.SQLITE_IOERR_TRUNCATE:
		// A quota, or a limit on the size of files, does not look like a full disk to SQLite.
		return fmt.Errorf("%w (%w)", store.ErrFull, err)
	}
	switch c & 0xff {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w (%w)", store.ErrFull, err)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("the file %w (%w)", ErrDamaged, err)
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("the file %w (%w)", ErrForeign, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return fmt.Errorf("the file %w (%w)", ErrLocked, err)
	}
	return err
}

// openError words an error of Open so that it follows the file's name.
func openError(ctx context.Context, err error) error {
	switch code(err) & 0xff {
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case lib.SQLITE_NOTADB:
		return ErrForeign
	case lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fmt.Errorf("%w: this user may not write the file or its directory", ErrDirectory)
	}
	err = translate(ctx, err)
	switch {
	case errors.Is(err, ErrLocked):
		return ErrLocked
	case errors.Is(err, store.ErrFull):
		return fmt.Errorf("cannot grow: %w", store.ErrFull)
	case errors.Is(err, ErrForeign), errors.Is(err, ErrDamaged), errors.Is(err, ErrNewer), errors.Is(err, ErrDirectory):
		return err
	}
	return fmt.Errorf("cannot be opened: %w", err)
}
