package lab_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// do sends a command that must be answered.
func do(t *testing.T, r *lab.Redis, args ...string) any {
	t.Helper()
	answer, err := r.Do(t.Context(), args...)
	require.NoError(t, err)
	return answer
}

func TestRedisKeepsWhatItConfirmed(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{Keeps: true, Password: `open "sesame"`, Eviction: "allkeys-lru"})
	require.Equal(t, "OK", do(t, r, "SET", "name", "two\r\nlines"))
	require.Equal(t, []any{"maxmemory-policy", "allkeys-lru"}, do(t, r, "CONFIG", "GET", "maxmemory-policy"))
	address := r.Address()
	r.Kill()
	_, err := r.Do(t.Context(), "PING")
	require.Error(t, err)
	require.NoError(t, r.Start(t.Context()))
	require.Equal(t, address, r.Address())
	require.Equal(t, "two\r\nlines", do(t, r, "GET", "name"))
	require.NoError(t, r.Stop(t.Context()))
	require.NoError(t, r.Start(t.Context()))
	require.NoError(t, r.Flush(t.Context()))
	require.Nil(t, do(t, r, "GET", "name"))
	require.Equal(t, "redis://:open%20%22sesame%22@"+address+"/0", r.URL())
	require.Equal(t, "redis://:open%20%22sesame%22@localhost:1/0", r.URLAt("localhost:1"))

	var failure lab.RedisError
	_, err = r.Do(t.Context(), "NONSENSE")
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, "redis NONSENSE: ERR unknown command")
}

func TestRedisForgets(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	do(t, r, "SET", "name", "value")
	require.NoError(t, r.Stop(t.Context()))
	require.NoError(t, r.Start(t.Context()))
	require.Nil(t, do(t, r, "GET", "name"))
	require.Equal(t, []any{"maxmemory-policy", "noeviction"}, do(t, r, "CONFIG", "GET", "maxmemory-policy"))
	_, err := lab.StartRedis(t.Context(), lab.RedisOptions{Dir: "/no/such/directory"})
	require.ErrorContains(t, err, "redis-server: it ended before it was ready")
	require.ErrorContains(t, err, "/no/such/directory")
}

func TestRedisCountsItsTraffic(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	require.NoError(t, r.ForgetTraffic(t.Context()))
	for range 3 {
		do(t, r, "EVAL", "redis.call('SET', KEYS[1], ARGV[1])", "1", "key", strings.Repeat("x", 10_000))
	}
	traffic, err := r.Traffic(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(3), traffic.Calls["eval"])
	require.Equal(t, int64(3), traffic.Calls["set"])
	require.InDelta(t, 30_000, traffic.ReceivedBytes, 1_000)
	require.Positive(t, traffic.SentBytes)
}

func TestPausedRedisAnswersLater(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	require.NoError(t, r.Pause())
	answers := make(chan error, 1)
	go func() {
		_, err := r.Do(t.Context(), "PING")
		answers <- err
	}()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := r.Do(ctx, "PING")
		asked <- err
	}()
	cancel()
	require.Error(t, <-asked, "it waits for the answer until it is called off")
	require.Empty(t, answers)
	require.NoError(t, r.Resume())
	require.NoError(t, <-answers)
}

// subscriber is a connection on which nothing is asked, so that its end tells of the server alone.
func subscriber(t *testing.T, address string) *bufio.Reader {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprint(conn, "SUBSCRIBE news\r\n")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	answer, err := lab.ReadRESP(in)
	require.NoError(t, err)
	require.Equal(t, []any{"subscribe", "news", int64(1)}, answer)
	return in
}

func TestRedisCutsItsClients(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	in := subscriber(t, r.Address())
	require.NoError(t, r.CutClients(t.Context()))
	_, err := lab.ReadRESP(in)
	require.Error(t, err)
}

func TestProxyCutsAndHeals(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	p := labtest.Proxy(t, lab.ProxyOptions{Target: r.Address()})
	in := subscriber(t, p.Address())
	do(t, r, "PUBLISH", "news", "first")
	message, err := lab.ReadRESP(in)
	require.NoError(t, err)
	require.Equal(t, []any{"message", "news", "first"}, message)
	p.Cut()
	_, err = lab.ReadRESP(in)
	require.Error(t, err)
	conn, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, conn.Close())
	p.Heal()
	subscriber(t, p.Address())
	r.Kill()
	conn, err = net.Dial("tcp", p.Address())
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err, "no server, no connection")
	require.NoError(t, conn.Close())
}

func TestProxyHoldsWhatIsSent(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	p := labtest.Proxy(t, lab.ProxyOptions{Target: r.Address()})
	in := subscriber(t, p.Address())
	p.Hold()
	p.Hold()
	do(t, r, "PUBLISH", "news", "late")
	late, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	_, err = fmt.Fprint(late, "SET given up\r\n")
	require.NoError(t, err)
	require.NoError(t, late.Close(), "the client gives up, its bytes are on their way all the same")
	require.NoError(t, r.CutClients(t.Context()))
	heard := make(chan any, 2)
	go func() {
		for range 2 {
			v, err := lab.ReadRESP(in)
			heard <- errors.Join(err, errorUnless(v))
		}
	}()
	require.Nil(t, do(t, r, "GET", "given"))
	require.Empty(t, heard)
	p.Heal()
	require.Nil(t, <-heard, "what the server sent before it cut the connection")
	require.NotNil(t, <-heard, "the cut itself")
	labtest.Await(t, "the late command", func(ctx context.Context) error {
		v, err := r.Do(ctx, "GET", "given")
		if err == nil && v == nil {
			err = errors.New("it is not there")
		}
		return err
	})

	p.Hold()
	held, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	p.Cut()
	_, err = held.Read(make([]byte, 1))
	require.Error(t, err, "what is held is cut too")
	require.NoError(t, held.Close())
	p.Close()
	p.Heal()
	_, err = net.Dial("tcp", p.Address())
	require.Error(t, err)
}

// errorUnless is an error unless v is an answer.
func errorUnless(v any) error {
	if v == nil {
		return errors.New("no answer")
	}
	return nil
}

func TestProxyTellsWhatIsSent(t *testing.T) {
	t.Parallel()
	r := labtest.Redis(t, lab.RedisOptions{})
	var mu sync.Mutex
	sent := map[int]string{}
	p := labtest.Proxy(t, lab.ProxyOptions{Target: r.Address(), Tap: func(connection int, bytes []byte) {
		mu.Lock()
		defer mu.Unlock()
		sent[connection] += string(bytes)
	}})
	subscriber(t, p.Address())
	subscriber(t, p.Address())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, map[int]string{1: "SUBSCRIBE news\r\n", 2: "SUBSCRIBE news\r\n"}, sent)
}

func TestReadRESP(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"+OK\r\n": "OK", ":-12\r\n": int64(-12), "$-1\r\n": nil, "*-1\r\n": nil, "$0\r\n\r\n": "", "*0\r\n": []any{},
		"-ERR no\r\n":                            lab.RedisError("ERR no"),
		"*3\r\n$2\r\n\r\n\r\n:1\r\n*1\r\n+a\r\n": []any{"\r\n", int64(1), []any{"a"}},
	} {
		got, err := lab.ReadRESP(bufio.NewReader(iotest.OneByteReader(strings.NewReader(text))))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "\r\n", "?\r\n", ":x\r\n", "$-2\r\n", "$9999999999\r\n", "$1\r\nab\r\n", "$3\r\na", "*1\r\n", "*1\r\n$", "+cut", "$2\r\nab",
	} {
		_, err := lab.ReadRESP(bufio.NewReader(strings.NewReader(text)))
		require.Error(t, err, text)
	}
}

func FuzzReadRESP(f *testing.F) {
	for _, seed := range []string{"*2\r\n$4\r\nPING\r\n:1\r\n", "-ERR no\r\n", "$-1\r\n", "*1\r\n*1\r\n+a\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = lab.ReadRESP(bufio.NewReader(strings.NewReader(text))) // it ends, and takes no more memory than it reads
	})
}

func TestProxyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := lab.StartProxy(ctx, lab.ProxyOptions{Target: "127.0.0.1:1"})
	require.NoError(t, err)
	p.Hold()
	conn, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	cancel()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(2*time.Minute)))
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, conn.Close())
	p.Close()
}
