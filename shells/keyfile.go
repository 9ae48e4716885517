package shells

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/proxpulse/proxpulse/pulse/config"
)

// keyFileName is the name of the file that holds a store's key, beside it. Earlier releases used the same name and form.
const keyFileName = ".encryption.key"

// maxSecretFile bounds the size of a file that holds one secret, in bytes.
const maxSecretFile = 16 << 10

// keyBeside reads the key file of a store, or makes one if there is no store yet. Where the store exists and its key file
// does not, a new key could open nothing of it, so that is an error.
func keyBeside(path, storePath string) (config.Key, error) {
	// In this order: another process that starts at the same time makes the key before the store.
	_, storeErr := os.Stat(storePath)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if !errors.Is(storeErr, fs.ErrNotExist) {
		return config.Key{}, fmt.Errorf("the key file %s is missing, and without it the secrets in %s cannot be opened; "+
			"nothing was changed. Put the file back, or give the key in %s", path, storePath, envKey)
	}
	key = config.NewKey()
	err = createFile(path, []byte(key.Encode()))
	if errors.Is(err, fs.ErrExist) {
		return readKey(path)
	}
	if err != nil {
		return config.Key{}, fmt.Errorf("cannot make the key file: %w", err)
	}
	return key, nil
}

// readableByOthers tells whether a file can be read by more than its owner. Windows has no such bits.
func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o044 != 0
}

// readKey reads a key file. The error is [fs.ErrNotExist] when there is none.
func readKey(path string) (config.Key, error) {
	text, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Key{}, err
	}
	if err != nil {
		return config.Key{}, fmt.Errorf("cannot read the key file: %w", err)
	}
	key, err := config.ParseKey(text)
	if err != nil {
		return config.Key{}, fmt.Errorf("the key file %s is damaged: %w; nothing was changed. "+
			"Put the file back from a backup", path, err)
	}
	return key, nil
}

// readSecret reads a file that holds one secret.
func readSecret(path string) (text string, err error) {
	file, err := os.Open(path) //nolint:gosec // the person who starts the program names the file
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("is a directory")}
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxSecretFile {
		return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("is too large to hold one secret")}
	}
	return string(raw), nil
}

// createFile makes a file with its whole content, or none: it appears under its name only once the content is on disk. An
// existing file is left alone, and the error is then [fs.ErrExist].
func createFile(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err = os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		err = createDirectly(path, content) // the file system has no links
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func createDirectly(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// syncDir has a directory's entries written. File systems that cannot do that for a directory do it by themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory of a file that was just made
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
