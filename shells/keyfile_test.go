package shells

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
)

func keyPaths(t *testing.T) (key, store string) {
	t.Helper()
	dir := t.TempDir()
	return filepath.Join(dir, keyFileName), filepath.Join(dir, "pulse.db")
}

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	path, store := keyPaths(t)
	first, err := keyBeside(path, store)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, first.Encode(), string(text))

	require.NoError(t, os.WriteFile(store, []byte("data"), 0o600))
	again, err := keyBeside(path, store)
	require.NoError(t, err)
	require.Equal(t, first, again)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 2, "no temporary file is left")
}

func TestMissingKeyBesideAStoreStopsTheStart(t *testing.T) {
	t.Parallel()
	path, store := keyPaths(t)
	require.NoError(t, os.WriteFile(store, []byte("data"), 0o600))
	_, err := keyBeside(path, store)
	require.EqualError(t, err, "the key file "+path+" is missing, and without it the secrets in "+store+
		" cannot be opened; nothing was changed. Put the file back, or give the key in PULSE_ENCRYPTION_KEY")
	require.NoFileExists(t, path)
}

func TestDamagedKeyFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "hunter2", strings.Repeat("A", maxSecretFile+1)} {
		path, store := keyPaths(t)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := keyBeside(path, store)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), "hunter2")
		after, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		require.Equal(t, content, string(after))
	}
}

func TestKeyFileOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	path, store := keyPaths(t)
	key := config.NewKey()
	require.NoError(t, os.WriteFile(path, []byte(key.Encode()+"\n"), 0o600))
	read, err := keyBeside(path, store)
	require.NoError(t, err)
	require.Equal(t, key, read)
}

func TestProcessesThatStartTogetherAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	path, store := keyPaths(t)
	keys := make([]config.Key, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := keyBeside(path, store)
			if err == nil {
				keys[i] = key
			}
		})
	}
	wg.Wait()
	require.False(t, keys[0].IsZero())
	for _, key := range keys {
		require.Equal(t, keys[0], key)
	}
}

func TestCreateFileLeavesAnExistingOneAlone(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(string, []byte) error{"linked": createFile, "directly": createDirectly} {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, create(path, []byte("first")), name)
		require.ErrorIs(t, create(path, []byte("second")), fs.ErrExist, name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "first", string(text), name)
	}
}

func TestKeyFileThatOthersCanReadIsNoticed(t *testing.T) {
	t.Parallel()
	path, _ := keyPaths(t)
	require.False(t, readableByOthers(path), "there is none")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.False(t, readableByOthers(path))
	require.NoError(t, os.Chmod(path, 0o640))
	require.True(t, readableByOthers(path))
}
