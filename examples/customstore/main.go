// Command customstore gives the library a store of its own, made of files: twice it opens them, tells the polling
// interval it finds, and doubles it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func main() {
	dir, err := os.MkdirTemp("", "pulse-*")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string, w io.Writer) error {
	keys := config.NewKeyring(config.NewKey()) // a program that stays keeps its key, but not beside the store
	for range 2 {
		files, err := Open(ctx, dir)
		if err != nil {
			return err
		}
		monitor, err := pulse.New(pulse.Options{Store: files, Keyring: keys})
		if err == nil {
			err = monitor.Load(ctx)
		}
		if err == nil {
			interval := 2 * monitor.Settings().PollingInterval
			_, _ = fmt.Fprintln(w, monitor.Settings().PollingInterval)
			_, err = monitor.UpdateSettings(ctx, pulse.SettingsPatch{PollingInterval: &interval})
		}
		if err := errors.Join(err, files.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Files is a store in a directory of one process: it keeps each group in a JSON file and answers from memory. Only in memory
// are chunks, counters, leases, and keys that expire. Each process begins with new revisions.
type Files struct {
	store.Store
	dir     string
	mu      *sync.Mutex        // held over a change and its file
	expires map[[2]string]bool // by group and key
}

// Open reads the files of a directory.
func Open(ctx context.Context, dir string) (*Files, error) {
	f := &Files{Store: store.NewMemory(), dir: dir, mu: &sync.Mutex{}, expires: map[[2]string]bool{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, path := range paths {
		if readErr := f.read(ctx, path); readErr != nil {
			err = errors.Join(err, fmt.Errorf("read %s: %w", path, readErr))
		}
	}
	return f, err
}

func (f *Files) read(ctx context.Context, path string) error {
	var groups map[string]map[string][]byte // one, by its name and keys
	text, err := os.ReadFile(path)          //nolint:gosec // in the directory that the user chose
	if err == nil {
		err = json.Unmarshal(text, &groups)
	}
	for group, values := range groups {
		var rev store.Revision
		for key, value := range values {
			if err == nil {
				ops := []store.Op{{Key: key, Value: value}}
				rev, err = f.Store.Commit(ctx, store.Commit{Group: group, Epoch: rev.Epoch, Ops: ops})
			}
		}
	}
	return err
}

// Commit implements [store.Store]. What the file cannot take is in memory, and reaches it with the group's next change.
func (f *Files) Commit(ctx context.Context, c store.Commit) (store.Revision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rev, err := f.Store.Commit(ctx, c)
	if err != nil || len(c.Ops) == 0 || !c.Writes() {
		return rev, err
	}
	for _, op := range c.Ops {
		if !op.CheckOnly {
			f.expires[[2]string{c.Group, op.Key}] = op.TTL > 0
		}
	}
	return rev, f.write(context.WithoutCancel(ctx), c.Group)
}

// Drop implements [store.Store].
func (f *Files) Drop(ctx context.Context, group string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.Store.Drop(ctx, group); err != nil {
		return err
	}
	return os.RemoveAll(f.path(group))
}

func (f *Files) path(group string) string { // a group's name may be too long for a file's
	return filepath.Join(f.dir, fmt.Sprintf("%x.json", sha256.Sum256([]byte(group))))
}

// write puts a file on disk, in the place of the old one at once.
func (f *Files) write(ctx context.Context, group string) error {
	values := map[string][]byte{}
	listed, err := f.List(ctx, group, "")
	for _, item := range listed.Items {
		if !f.expires[[2]string{group, item.Key}] {
			one, getErr := f.Get(ctx, group, item.Key)
			err = errors.Join(err, getErr)
			for _, found := range one.Items {
				values[found.Key] = found.Value
			}
		}
	}
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(group)+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	groups := map[string]map[string][]byte{group: values}
	err = errors.Join(json.NewEncoder(file).Encode(groups), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), f.path(group))
	}
	return err
}
