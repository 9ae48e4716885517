package redisstore

import (
	"context"
	"crypto/rand"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// proxy lies between a store and its Redis, and misbehaves when told to.
type proxy struct {
	address string
	target  string
	swallow chan struct{} // gets something for each piece that is swallowed

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]*link
	silent   bool // swallows what comes from both sides
	replyEnd int  // bytes of replies until a connection is cut; negative: never
	running  sync.WaitGroup
}

// link is what the two halves of a connection share.
type link struct {
	deaf bool // swallows what comes even when the proxy does not
}

func startProxy(tb testing.TB, target string) *proxy {
	tb.Helper()
	p := &proxy{address: "127.0.0.1:0", target: target, conns: map[net.Conn]*link{}, replyEnd: -1, swallow: make(chan struct{}, 1)}
	p.heal(tb)
	tb.Cleanup(func() {
		p.refuse()
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.address }

// heal makes it a good proxy. Connections that lost bytes are cut.
func (p *proxy) heal(tb testing.TB) {
	tb.Helper()
	p.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.replyEnd = false, -1
	if p.listener != nil {
		return
	}
	listener, err := net.Listen("tcp", p.address)
	require.NoError(tb, err)
	p.listener, p.address = listener, listener.Addr().String()
	p.running.Go(func() { p.accept(listener) })
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // that is all that is wanted of it
	}
}

// refuse cuts all connections and takes no more.
func (p *proxy) refuse() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close() // likewise
		p.listener = nil
	}
	p.mu.Unlock()
	p.cut()
}

// blackHole swallows whatever comes, from now on.
func (p *proxy) blackHole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
}

// forget swallows whatever comes through the connections there are, for ever, and serves new ones.
func (p *proxy) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.conns {
		l.deaf = true
	}
}

// cutReply cuts the connection once n more bytes of replies went through.
func (p *proxy) cutReply(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replyEnd = n
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		redis, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // refused, as far as the client can tell
			continue
		}
		p.mu.Lock()
		l := &link{}
		p.conns[client], p.conns[redis] = l, l
		p.mu.Unlock()
		p.running.Go(func() { p.pump(redis, client, l, false) })
		p.running.Go(func() { p.pump(client, redis, l, true) })
	}
}

func (p *proxy) pump(to, from net.Conn, l *link, replies bool) {
	defer func() {
		_ = to.Close() // either end of the connection ends both
		_ = from.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, to)
		delete(p.conns, from)
	}()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		data, end := p.judge(l, buf[:n], replies)
		if _, writeErr := to.Write(data); writeErr != nil || err != nil || end {
			return
		}
	}
}

// judge says what of data goes on, and whether the connection ends with it.
func (p *proxy) judge(l *link, data []byte, replies bool) (kept []byte, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if (p.silent || l.deaf) && len(data) > 0 {
		select {
		case p.swallow <- struct{}{}:
		default:
		}
		return nil, false
	}
	if !replies || p.replyEnd < 0 {
		return data, false
	}
	if len(data) < p.replyEnd {
		p.replyEnd -= len(data)
		return data, false
	}
	data, p.replyEnd = data[:p.replyEnd], -1
	return data, true
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// put writes one key, whatever is there, and gives the new revision.
func put(tb testing.TB, s store.Store, group, key, value string) store.Revision {
	tb.Helper()
	heads, err := s.Heads(tb.Context(), group)
	require.NoError(tb, err)
	rev, err := s.Commit(tb.Context(), store.Commit{
		Group: group, Epoch: heads[0].Epoch, Ops: []store.Op{{Key: key, Any: true, Value: []byte(value)}},
	})
	require.NoError(tb, err)
	return rev
}

func requireValue(tb testing.TB, s store.Store, group, key, want string) {
	tb.Helper()
	g, err := s.Get(tb.Context(), group, key)
	require.NoError(tb, err)
	require.Len(tb, g.Items, 1)
	require.Equal(tb, want, string(g.Items[0].Value))
}

func TestCutConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	put(t, s, "g", "a", "1")
	for range 3 {
		p.cut()
		requireValue(t, s, "g", "a", "1")
	}
	put(t, s, "g", "a", "2")
	requireValue(t, s, "g", "a", "2")
}

func TestReadWhoseReplyIsCutIsMadeAgain(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	value := string(noise(100_000))
	put(t, s, "g", "a", value)
	for _, n := range []int{0, 1, 50_000} {
		p.cutReply(n)
		requireValue(t, s, "g", "a", value)
	}
}

func TestWriteWhoseReplyIsCutIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	rev := put(t, s, "g", "a", "1")
	p.cutReply(1)
	_, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Value: []byte("2")}},
	})
	require.Error(t, err)
	require.False(t, store.Refused(err), "whether it was written is not known: %v", err)
	require.ErrorContains(t, err, p.address)
	heads, err := s.Heads(t.Context(), "g")
	require.NoError(t, err)
	require.Equal(t, store.Revision{Epoch: rev.Epoch, N: 2}, heads[0])
	requireValue(t, s, "g", "a", "2")

	_, _, err = s.Count(t.Context(), "others", 1, time.Hour) // after which the server knows the script
	require.NoError(t, err)
	p.cutReply(0)
	_, _, err = s.Count(t.Context(), "logins", 3, time.Hour)
	require.Error(t, err)
	for range 2 {
		ok, _, err := s.Count(t.Context(), "logins", 3, time.Hour)
		require.NoError(t, err)
		require.True(t, ok)
	}
	ok, _, err := s.Count(t.Context(), "logins", 3, time.Hour)
	require.NoError(t, err)
	require.False(t, ok, "the lost answer was to one count")
}

func TestBlackHoleIsGivenUpAndRecoveredFrom(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	rev := put(t, s, "g", "a", "1")
	p.blackHole()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := s.Get(ctx, "g", "a")
	require.ErrorContains(t, err, p.address)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "a time-out of the store's own is not that of its caller")
	_, err = s.Commit(ctx, store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Any: true}}})
	require.ErrorContains(t, err, p.address)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, ctx.Err())

	_, err = Open(ctx, p.url())
	require.ErrorContains(t, err, p.address)
	require.NoError(t, ctx.Err())
	p.heal(t)
	requireValue(t, s, "g", "a", "1")
}

func TestContextEndsACallIntoABlackHole(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	p.blackHole()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Heads(ctx, "g")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	p.heal(t)
	_, err = s.Heads(t.Context(), "g")
	require.NoError(t, err)
	p.blackHole()
	select {
	case <-p.swallow: // of the call before
	default:
	}
	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Heads(ctx, "g")
		done <- err
	}()
	<-p.swallow
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestRefusedConnectionsNameTheServer(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	put(t, s, "g", "a", "1")
	p.refuse()
	_, err := s.Heads(t.Context(), "g")
	require.ErrorContains(t, err, p.address)
	_, err = s.CommitMany(t.Context(), []store.Commit{{Group: "new", Ops: []store.Op{{Key: "a"}}}})
	require.ErrorContains(t, err, p.address)
	require.NotErrorIs(t, err, store.ErrFull)
	_, err = Open(t.Context(), p.url())
	require.ErrorContains(t, err, "cannot be reached")
	require.ErrorContains(t, err, p.address)
	p.heal(t)
	requireValue(t, s, "g", "a", "1")
}

// awaitHint reads until a hint fits.
func awaitHint(tb testing.TB, hints <-chan store.Hint, want store.Hint) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for {
		select {
		case h, ok := <-hints:
			require.True(tb, ok)
			if h == want {
				return
			}
		case <-ctx.Done():
			require.FailNow(tb, "no such hint came")
		}
	}
}

func TestSubscribersLearnOfHintsThatWereLost(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for name, lose := range map[string]func(*proxy){
		"cut":       (*proxy).cut,
		"refused":   (*proxy).refuse,
		"forgotten": (*proxy).forget,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startProxy(t, server.address)
			near, far := openStore(t, server.url(0)), openStore(t, p.url())
			hints, err := far.Subscribe(t.Context())
			require.NoError(t, err)
			h := store.Hint{Group: name, Rev: store.Revision{Epoch: 7, N: 1}}
			require.NoError(t, near.Publish(t.Context(), h))
			awaitHint(t, hints, h)
			lose(p)
			h.Rev.N = 2
			require.NoError(t, near.Publish(t.Context(), h))
			if name == "refused" {
				p.heal(t)
			}
			awaitHint(t, hints, store.Hint{})
			h.Rev.N = 3
			require.NoError(t, near.Publish(t.Context(), h))
			awaitHint(t, hints, h)
		})
	}
}

func TestSubscriptionWaitsForARedisThatIsAway(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := startProxy(t, server.address)
	near, far := openStore(t, server.url(0)), openStore(t, p.url())
	p.refuse()
	hints, err := far.Subscribe(t.Context())
	require.NoError(t, err)
	p.heal(t)
	awaitHint(t, hints, store.Hint{})
	h := store.Hint{Group: "g", Rev: store.Revision{Epoch: 7, N: 1}}
	require.NoError(t, near.Publish(t.Context(), h))
	awaitHint(t, hints, h)
}

func TestCloseEndsWhatWaitsForRedis(t *testing.T) {
	t.Parallel()
	p := startProxy(t, startServer(t).address)
	s := openStore(t, p.url())
	hints, err := s.Subscribe(t.Context())
	require.NoError(t, err)
	p.blackHole()
	done := make(chan error, 1)
	go func() {
		_, err := s.Heads(t.Context(), "g")
		done <- err
	}()
	<-p.swallow
	require.NoError(t, s.Close())
	require.Error(t, <-done)
	for range hints { // until it is closed
	}
	_, err = s.Heads(t.Context(), "g")
	require.ErrorIs(t, err, store.ErrClosed)
}

func TestSubscriptionThatClosesAtOnceKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := openStore(t, startServer(t).url(0))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	settled := make(chan struct{})
	s.hear(ended, settled)
	select {
	case <-settled:
	default:
		require.Fail(t, "whoever subscribes waits for ever")
	}
}
