package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// prepareFile makes an empty file if there is none and takes it away from others' eyes.
//
// It never opens a file that exists: closing one ends the locks that another store of this process may hold on it.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store directory %s %w: it does not exist", dir, ErrDirectory)
	case err != nil:
		return fmt.Errorf("store directory %s %w: %w", dir, ErrDirectory, plain(err))
	case !info.IsDir():
		return fmt.Errorf("store directory %s %w: it is no directory", dir, ErrDirectory)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createFile(path)
	case err != nil:
		return fmt.Errorf("store file %s %w: %w", path, ErrDirectory, plain(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("store file %s %w: it is no regular file", path, ErrDirectory)
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("store file %s %w: %w", path, ErrDirectory, plain(err))
		}
	}
	return nil
}

func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path is the caller's choice
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // another process was faster
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("store directory %s %w: this user may not write it", filepath.Dir(path), ErrDirectory)
	case err != nil:
		return fmt.Errorf("store directory %s %w: %w", filepath.Dir(path), ErrDirectory, plain(err))
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("store file %s: %w", path, plain(err))
	}
	return nil
}

// plain leaves out the operation and the path that a file system's error repeats.
func plain(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// dsn names the file for the driver, with pragmas that every new connection runs.
func dsn(path string, patience time.Duration, pragmas ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	q := url.Values{"mode": {"rw"}, "_error_rc": {"1"}, "_busy_timeout": {fmt.Sprint(patience.Milliseconds())}}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + q.Encode()
}
