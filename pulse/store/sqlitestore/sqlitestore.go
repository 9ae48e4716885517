package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Options are what may be chosen when a store is opened. The zero value is what a program wants.
type Options struct {
	// Now tells the time by which keys, counters and leases expire. Default: time.Now.
	Now func() time.Time
	// Patience is how long a call waits while another process writes. Default: 10 s.
	Patience time.Duration
	// WatchEvery is how often the file is looked at for other processes' commits. Default: 2 s, since
	// each look wakes an idle process.
	WatchEvery time.Duration
	// MaxPages limits the file to so many pages of 2 KiB; a write beyond is [store.ErrFull]. Default: no limit.
	MaxPages int64
}

const (
	defaultPatience   = 10 * time.Second
	defaultWatchEvery = 2 * time.Second
	readConnections   = 4
)

// Store is a [store.Store] in a file. It is also a [store.Batcher] and a [store.Measurer].
type Store struct {
	path  string
	now   func() time.Time
	codec codec

	maxPages int64 // 0: no limit

	readers  *sql.DB
	readStmt statements
	writer   *writer
	watcher  watcher
	bus      store.Bus

	gate   sync.RWMutex // held for reading during each call, for writing while closing
	closed bool
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Batcher  = (*Store)(nil)
	_ store.Measurer = (*Store)(nil)
)

// Open opens the store in the file at path, which is created (for its owner's eyes only) if the directory it is to lie in
// exists. The error is one sentence that names the file and says what to do; those a caller may want to tell apart are
// [ErrDirectory], [ErrForeign], [ErrDamaged], [ErrNewer], [ErrLocked] and [store.ErrFull].
//
// A file of up to 64 MiB is checked whole; of a larger one the history is checked when it is read.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Patience <= 0 {
		opt.Patience = defaultPatience
	}
	if opt.WatchEvery <= 0 {
		opt.WatchEvery = defaultWatchEvery
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store file %s: %w", path, err)
	}
	if err := prepareFile(abs); err != nil {
		return nil, err
	}
	s := &Store{path: abs, now: opt.Now, maxPages: opt.MaxPages}
	if s.codec, err = newCodec(); err != nil {
		return nil, fmt.Errorf("store file %s: %w", abs, err)
	}
	if err := s.connect(ctx, opt); err != nil {
		s.disconnect()
		return nil, fmt.Errorf("store file %s %w", abs, openError(ctx, err))
	}
	s.watcher.every = opt.WatchEvery
	return s, nil
}

func (s *Store) connect(ctx context.Context, opt Options) error {
	var err error
	if s.writer, err = newWriter(s.path, opt); err != nil {
		return err
	}
	if err := s.writer.prepare(ctx); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite", dsn(s.path, opt.Patience, "query_only(1)", "cache_size(-1024)")); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(readConnections + 1) // one is the watcher's
	s.readers.SetMaxIdleConns(readConnections + 1)
	s.readStmt.prepare = s.readers.PrepareContext
	return nil
}

func (s *Store) disconnect() {
	if s.readers != nil {
		s.readStmt.close()
		_ = s.readers.Close() // nothing was written through it
	}
	if s.writer != nil {
		s.writer.close()
	}
	s.codec.close()
}

// enter begins a call; the caller calls s.gate.RUnlock when it returns nil.
func (s *Store) enter(ctx context.Context) error {
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		s.gate.RUnlock()
		return err
	}
	return nil
}

// Close implements [store.Store]. When the last process closes the file, what the journal holds is moved into it.
func (s *Store) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.watcher.stop()
	s.bus.Close()
	s.disconnect()
	return nil
}
