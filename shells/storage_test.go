package shells

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// testParts has a store of each kind; they are all in memory.
func testParts() Parts {
	open := func(context.Context, string) (store.Store, error) { return store.NewMemory(), nil }
	return Parts{
		DefaultStore: "file:",
		Stores: map[string]StoreKind{
			"file":   {File: "pulse.db", Open: open},
			"memory": {Forgets: true, Open: open},
			"server": {Open: open},
		},
	}
}

func TestChooseStorage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ store, want string }{
		{"", "/data/pulse.db"},
		{"file:", "/data/pulse.db"},
		{"file://", "/data/pulse.db"},
		{"file:other.db", "/data/other.db"},
		{"file:///srv/a%20b.db", "/srv/a b.db"},
		{"file:/srv/x/../b.db", "/srv/b.db"},
		{"memory:", "memory:"},
		{"server://user:hunter2@host/1", "server://user:hunter2@host/1"},
		{"server://[::1]:6379/0", "server://[::1]:6379/0"},
		{"server://a:1,b:2/0", "server://a:1,b:2/0"},
	} {
		got, err := chooseStorage(data{dir: "/data", store: tt.store}, testParts(), env{}.get)
		require.NoError(t, err, tt.store)
		require.Equal(t, tt.want, got.location, tt.store)
		require.NotContains(t, got.shown(), "hunter2")
	}
}

func TestChooseStorageRefusesWithoutShowingTheValue(t *testing.T) {
	t.Parallel()
	const (
		unknown = "PULSE_STORE (--store): is not a store that this program has; it has file:, memory:, server:"
		form    = "PULSE_STORE (--store): want file: alone, or with a path as file:///path/to/pulse.db"
	)
	for in, want := range map[string]string{
		"hunter2":                         unknown,
		"hunter2:":                        unknown,
		"hunter2://[::1":                  unknown,
		"redis://:hunter2":                unknown,
		"file://hunter2/x":                form,
		"file:///x/":                      form,
		"server://:hunter2@host:6379:1/0": "PULSE_STORE (--store): want a host and a port in its URL, as server://host:6379",
		"file:///x?mode=a":                form,
		"file:///x#a":                     form,
	} {
		_, err := chooseStorage(data{dir: "/data", store: in}, testParts(), env{}.get)
		require.EqualError(t, err, want, in)
	}
}

func TestKeyringOfEachKind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	choose := func(scheme string) storage {
		s, err := chooseStorage(data{dir: dir, store: scheme}, testParts(), env{}.get)
		require.NoError(t, err)
		return s
	}
	_, where, err := choose("memory:").keyring(data{})
	require.NoError(t, err)
	require.Equal(t, "in memory", where)

	_, _, err = choose("server://host").keyring(data{})
	require.EqualError(t, err, "PULSE_ENCRYPTION_KEY: is required, since there is no file beside this store to keep a key in")

	given := data{key: config.NewKey()}
	for _, scheme := range []string{"memory:", "server://host", "file:"} {
		_, where, err = choose(scheme).keyring(given)
		require.NoError(t, err)
		require.Equal(t, "PULSE_ENCRYPTION_KEY", where)
	}
	require.NoFileExists(t, filepath.Join(dir, keyFileName), "a given key is not written down")

	_, where, err = choose("file:").keyring(data{})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, keyFileName), where)
	require.FileExists(t, where)
}

func TestExplainSaysWhatToDo(t *testing.T) {
	t.Parallel()
	file := storage{kind: StoreKind{File: "pulse.db"}, scheme: "file", location: "/data/pulse.db"}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{config.ErrWrongKey, "the encryption key (KEY) does not open what is stored in /data/pulse.db; nothing was changed. Put the former key back, or give it in PULSE_ENCRYPTION_KEY_PREVIOUS"},
		{config.ErrNewer, "what is stored in /data/pulse.db was written by a newer version of Pulse; nothing was changed. Start that version, or restore the data from before the update"},
		{config.ErrDamaged, "what is stored in /data/pulse.db is damaged (load: stored configuration is damaged); nothing was changed. Restore it from a backup, or move it away to begin anew"},
		{store.ErrFull, "there is no room left for /data/pulse.db: the disk is full, or a quota is used up"},
		{fs.ErrPermission, "load: permission denied; let this user read and write in /data, or choose another directory with PULSE_DATA_DIR"},
		{context.Canceled, "load: context canceled"},
	} {
		require.EqualError(t, file.explain(fmt.Errorf("load: %w", tt.err), "KEY"), tt.want)
	}
}
