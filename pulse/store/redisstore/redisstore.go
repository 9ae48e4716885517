package redisstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Store is a [store.Store] in Redis. It is also a [store.Batcher] and a [store.Measurer].
type Store struct {
	client  redis.UniversalClient
	address string // of the server, as errors name it
	keys    keys
	scripts scripts
	codec   codec
	bus     store.Bus
	hearer  hearer

	// clockOffset is by how many milliseconds the server's clock is taken to be ahead; 0 but in tests.
	clockOffset func() int64

	gate   sync.RWMutex // held for reading during each call, for writing while closing
	closed bool
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Batcher  = (*Store)(nil)
	_ store.Measurer = (*Store)(nil)
)

// Open connects to the Redis that url names and checks that it can serve as a store: redis://user:password@host:port/database,
// or rediss:// for TLS. Everything but the host may be left out. Parameters of the URL:
//
//	prefix      what all keys and channels begin with; default pulse
//	ca          file of the authorities that may have signed the server's certificate, instead of the system's (PEM)
//	cert, key   files of the client's certificate and its key (PEM)
//	servername  name in the server's certificate, if it is not the host
//	insecure    true accepts any certificate
//
// The error is one sentence that names the server's address and says what to do. It never holds a password. It has a method
// Temporary that gives true where the server did not answer in time or is still loading its data.
func Open(ctx context.Context, url string) (*Store, error) {
	target, err := parseURL(url)
	if err != nil {
		return nil, fmt.Errorf("the Redis URL %w", err)
	}
	redis.SetLogger(silence{}) // what it would log, this package returns
	s := &Store{
		client: redis.NewUniversalClient(target.options), address: target.options.Addrs[0],
		keys: keys{prefix: target.prefix, database: target.options.DB}, clockOffset: func() int64 { return 0 },
	}
	if s.codec, err = newCodec(); err == nil {
		s.scripts, err = newScripts()
	}
	if err == nil {
		err = s.probe(ctx)
	}
	if err != nil {
		s.disconnect()
		return nil, fmt.Errorf("redis at %s %w", s.address, err)
	}
	return s, nil
}

// silence is a log of the client that nobody reads.
type silence struct{}

// Printf drops what it is given.
func (silence) Printf(context.Context, string, ...any) {}

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

// now is this process's clock.
func (s *Store) now() time.Time {
	return time.Now().Add(time.Duration(s.clockOffset()) * time.Millisecond).UTC()
}

// Close implements [store.Store]. Calls that wait for Redis end within seconds. The data stays there.
func (s *Store) Close() error {
	s.hearer.stop()
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.hearer.stop() // a subscription before the gate was shut may have started it
	s.bus.Close()
	s.disconnect()
	return nil
}

func (s *Store) disconnect() {
	_ = s.client.Close() // nothing is under way
	s.codec.close()
}
