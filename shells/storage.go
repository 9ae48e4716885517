package shells

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// storage is a chosen store before it is opened.
type storage struct {
	kind     StoreKind
	scheme   string
	location string // the path of a file; else the URL
}

// chooseStorage finds the kind of the chosen store and where it lies.
func chooseStorage(d data, parts Parts, getenv func(string) string) (storage, error) {
	text := d.store
	if text == "" {
		text = parts.DefaultStore
	}
	if text == "" {
		return storage{}, &SettingError{Env: envStore, Reason: "is required; this program has " + schemes(parts.Stores)}
	}
	u, err := url.Parse(text)
	if err != nil {
		return storage{}, unknownStore(parts)
	}
	kind, ok := parts.Stores[u.Scheme]
	if !ok {
		return storage{}, unknownStore(parts)
	}
	if !validHosts(u.Host) {
		return storage{}, &SettingError{Env: envStore, Reason: "want a host and a port in its URL, as " + u.Scheme + "://host:6379"}
	}
	s := storage{kind: kind, scheme: u.Scheme, location: text}
	if kind.File == "" {
		return s, nil
	}
	s.location, err = filePath(u, kind.File, func() (string, error) { return findDataDir(d.dir, sharedDataDir, getenv) })
	return s, err
}

// validHosts tells whether the hosts in a URL are names or addresses with a port or none. There may be several, separated
// by commas.
func validHosts(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		if _, rest, found := strings.Cut(host, "]"); found {
			host = rest // an IPv6 address in brackets
		}
		if strings.Count(host, ":") > 1 {
			return false
		}
	}
	return true
}

func unknownStore(parts Parts) error {
	return &SettingError{Env: envStore, Reason: "is not a store that this program has; it has " + schemes(parts.Stores)}
}

// schemes lists kinds of stores as their URLs begin.
func schemes(kinds map[string]StoreKind) string {
	var known []string
	for _, scheme := range slices.Sorted(maps.Keys(kinds)) {
		known = append(known, scheme+":")
	}
	return strings.Join(known, ", ")
}

// filePath returns the path in the URL of a file: an absolute one, or one in the data directory.
func filePath(u *url.URL, fallback string, dataDir func() (string, error)) (string, error) {
	path := u.Path
	if u.Opaque != "" {
		path = u.Opaque
	}
	if u.Host != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(path, "/") {
		return "", &SettingError{Env: envStore, Reason: fmt.Sprintf("want %s: alone, or with a path as %[1]s:///path/to/%s", u.Scheme, fallback)}
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	dir, err := dataDir()
	if err != nil {
		return "", err
	}
	if path == "" {
		path = fallback
	}
	return filepath.Join(dir, filepath.FromSlash(path)), nil
}

// keyring returns the keys for the storage, and where the present one is kept in words.
func (s storage) keyring(d data) (keys *config.Keyring, where string, err error) {
	switch {
	case !d.key.IsZero():
		return config.NewKeyring(d.key, d.previousKeys...), envKey, nil
	case s.kind.Forgets:
		return config.NewKeyring(config.NewKey(), d.previousKeys...), "in memory", nil
	case s.kind.File == "":
		return nil, "", &SettingError{Env: envKey, Reason: "is required, since there is no file beside this store to keep a key in"}
	}
	path := filepath.Join(filepath.Dir(s.location), keyFileName)
	key, err := keyBeside(path, s.location)
	if err != nil {
		return nil, "", err
	}
	return config.NewKeyring(key, d.previousKeys...), path, nil
}

// prepare makes the directory of a file, readable by this user only, unless it exists.
func (s storage) prepare() error {
	if s.kind.File == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.location), 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory: %w", err)
	}
	return nil
}

// shown names the storage for people, without a password that its URL may hold.
func (s storage) shown() string {
	if s.kind.File != "" {
		return s.location
	}
	u, err := url.Parse(s.location)
	if err != nil {
		return s.scheme + ":"
	}
	return u.Redacted()
}

// explain turns an error of the stored configuration into a sentence that says what to do.
func (s storage) explain(err error, keyWhere string) error {
	switch {
	case errors.Is(err, config.ErrWrongKey):
		return fmt.Errorf("the encryption key (%s) does not open what is stored in %s; nothing was changed. "+
			"Put the former key back, or give it in %s", keyWhere, s.shown(), envKeyPrevious)
	case errors.Is(err, config.ErrNewer):
		return fmt.Errorf("what is stored in %s was written by a newer version of Pulse; nothing was changed. "+
			"Start that version, or restore the data from before the update", s.shown())
	case errors.Is(err, config.ErrDamaged):
		return fmt.Errorf("what is stored in %s is damaged (%w); nothing was changed. "+
			"Restore it from a backup, or move it away to begin anew", s.shown(), err)
	case errors.Is(err, store.ErrFull):
		return fmt.Errorf("there is no room left for %s: the disk is full, or a quota is used up", s.shown())
	case s.kind.File != "" && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let this user read and write in %s, or choose another directory with %s",
			err, filepath.Dir(s.location), envDataDir)
	}
	return err
}
