package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// pipes are a listener and a dialer without sockets, so that connections work on fake time. A pipe holds nothing: what
// one end writes waits until the other reads.
type pipes struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.calls:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7655} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.calls <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// serve serves the API on pipes until the returned function is called.
func (l *lab) serve() (network *pipes, stop func()) {
	network = &pipes{calls: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: l.api, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(network) }()
	return network, func() {
		require.NoError(l.t, l.api.Close(context.WithoutCancel(l.t.Context())))
		require.NoError(l.t, server.Close())
		require.ErrorIs(l.t, <-done, http.ErrServerClosed)
	}
}

// listener is a client that keeps what it was sent.
type listener struct {
	t    testing.TB
	conn *websocket.Conn
	done chan struct{} // closed when reading ended

	mu       sync.Mutex
	messages []message
	err      error
}

type message struct {
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data"`
	Timestamp time.Time       `json:"timestamp"`

	at    time.Time
	whole []byte
}

func connect(l *lab, network *pipes, headers ...string) *websocket.Conn {
	l.t.Helper()
	conn, answer, err := handshake(l, network, "ws://pulse.local/ws", headers...)
	require.NoError(l.t, err)
	require.NoError(l.t, answer.Body.Close())
	return conn
}

func handshake(l *lab, network *pipes, url string, headers ...string) (*websocket.Conn, *http.Response, error) {
	l.t.Helper()
	header := http.Header{}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		header.Set(name, value)
	}
	dialer := websocket.Dialer{NetDialContext: network.dial, EnableCompression: true}
	return dialer.DialContext(l.t.Context(), url, header)
}

func listen(l *lab, network *pipes, headers ...string) *listener {
	l.t.Helper()
	c := &listener{t: l.t, conn: connect(l, network, headers...), done: make(chan struct{})}
	go c.read()
	return c
}

func (c *listener) read() {
	defer close(c.done)
	for {
		_, data, err := c.conn.ReadMessage()
		c.mu.Lock()
		if err != nil {
			c.err = err
			c.mu.Unlock()
			return
		}
		m := message{at: time.Now(), whole: data}
		if err := json.Unmarshal(data, &m); err != nil {
			c.err = err
		}
		c.messages = append(c.messages, m)
		c.mu.Unlock()
	}
}

func (c *listener) send(text string) {
	c.t.Helper()
	require.NoError(c.t, c.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

// got returns the messages so far, and forgets them.
func (c *listener) got(kinds ...string) []message {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var some []message
	for _, m := range c.messages {
		if len(kinds) == 0 || strings.Contains(" "+strings.Join(kinds, " ")+" ", " "+m.Type+" ") {
			some = append(some, m)
		}
	}
	c.messages = nil
	return some
}

func (c *listener) close() {
	require.NoError(c.t, c.conn.Close())
	<-c.done
}

func types(messages []message) []string {
	list := []string{}
	for _, m := range messages {
		list = append(list, m.Type)
	}
	return list
}

func TestStreamTellsWhatIsObserved(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 6}, nil, func(l *lab) {
		l.watch()
		network, stop := l.serve()
		defer stop()
		c := listen(l, network)
		defer c.close()
		begun := c.got()
		require.Equal(t, []string{"welcome", "initialState"}, types(begun))
		require.JSONEq(t, `{"message":"Connected to Pulse WebSocket"}`, string(begun[0].Data))
		require.JSONEq(t, string(l.do("GET", "/api/state", nil).body), string(begun[1].Data))
		requireSchema(t, "StreamWelcome", begun[0].whole)
		requireSchema(t, "StreamState", begun[1].whole)

		pass(time.Minute)
		quiet := c.got()
		require.Equal(t, []string{"ping", "ping"}, types(quiet), "nothing changed, nothing is sent")
		requireSchema(t, "StreamPing", quiet[0].whole)

		c.send(`{"type":"ping"}`)
		pong := c.got()
		require.Equal(t, []string{"pong"}, types(pong))
		requireSchema(t, "StreamPing", pong[0].whole)

		for _, odd := range []string{`{"type":"subscribe"}`, `{}`, `[]`, `no JSON`, ``, `{"type":7}`} {
			c.send(odd)
		}
		require.Empty(t, c.got())

		c.send(`{"type":"requestData"}`)
		asked := c.got()
		require.Equal(t, []string{"rawData"}, types(asked))
		require.JSONEq(t, string(begun[1].Data), string(asked[0].Data))
		c.send(`{"type":"requestData"}`)
		c.send(`{"type":"requestData"}`)
		require.Empty(t, c.got(), "a state at most every two seconds")
		pass(2 * time.Second)
		require.Equal(t, []string{"rawData"}, types(c.got()), "both requests are one")
	})
}

func TestStreamPacesNumbersAndHurriesWords(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Clusters: 5, NodesPerCluster: 1, Guests: 20}, nil, func(l *lab) {
		l.watch()
		stopMonitor := l.run()
		defer stopMonitor()
		pass(30 * time.Second)
		network, stop := l.serve()
		defer stop()
		c := listen(l, network)
		defer c.close()
		pass(5 * time.Minute)
		states := c.got("initialState", "rawData")
		require.Greater(t, len(states), 20, "numbers move, so states come")
		for i := 1; i < len(states); i++ {
			gap := states[i].at.Sub(states[i-1].at)
			require.GreaterOrEqual(t, gap, 2*time.Second)
			require.LessOrEqual(t, gap, 11*time.Second)
			require.NotEqual(t, string(states[i-1].Data), string(states[i].Data))
		}
		require.Less(t, len(states), 65, "numbers alone come at most every five seconds")

		cluster := l.estate.Clusters()[0]
		guests, err := l.estate.Guests(cluster.Name)
		require.NoError(t, err)
		var running int
		for _, g := range guests {
			if g.Status == "running" && !g.Template {
				running = g.VMID
			}
		}
		stopped := time.Now()
		require.NoError(t, l.estate.StopGuest(cluster.Name, running))
		var seen time.Duration
		for seen == 0 {
			pass(100 * time.Millisecond)
			require.Less(t, time.Since(stopped), 20*time.Second, "the stop never came")
			for _, m := range c.got("rawData") {
				var s api.State
				require.NoError(t, json.Unmarshal(m.Data, &s))
				for _, g := range append(s.VMs, s.Containers...) {
					if g.Instance == cluster.Name && int(g.VMID) == running && g.Status == "stopped" {
						seen = m.at.Sub(stopped)
					}
				}
			}
		}
		require.LessOrEqual(t, seen, 3*time.Second)
	})
}

func TestSlowClientGetsTheNewestStateAndThenIsGivenUp(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 6}, nil, func(l *lab) {
		l.watch()
		stopMonitor := l.run()
		defer stopMonitor()
		network, stop := l.serve()
		defer stop()
		slow := connect(l, network)
		defer func() { require.NoError(t, slow.Close()) }()
		read := func() message {
			_, data, err := slow.ReadMessage()
			require.NoError(t, err)
			m := message{whole: data}
			require.NoError(t, json.Unmarshal(data, &m))
			return m
		}
		require.Equal(t, "welcome", read().Type)
		require.Equal(t, "initialState", read().Type)
		pass(50 * time.Second) // ten states come and go; the first of them waits in the connection
		old := read()
		require.Equal(t, "rawData", old.Type)
		next := read()
		for next.Type != "rawData" {
			next = read()
		}
		require.Less(t, time.Since(next.Timestamp), 10*time.Second, "what comes next is the newest")
		require.Greater(t, next.Timestamp.Sub(old.Timestamp), 30*time.Second)

		pass(75 * time.Second)
		synctest.Wait()
		var failed error
		for range 10 {
			if _, _, failed = slow.ReadMessage(); failed != nil {
				break
			}
		}
		require.Error(t, failed, "a client that does not read for a minute is closed")
		require.Zero(t, l.diagnostics().System.Streams)
	})
}

func (l *lab) diagnostics() api.Diagnostics {
	var d api.Diagnostics
	l.get("/api/diagnostics", &d)
	return d
}

func TestSilentClientIsGivenUpAndAnAnsweringOneIsNot(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 6}, nil, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		answering, silent := listen(l, network), connect(l, network)
		defer answering.close()
		silent.SetPingHandler(func(string) error { return nil }) // reads, and never answers
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			for {
				if _, _, err := silent.ReadMessage(); err != nil {
					return
				}
			}
		}()
		pass(59 * time.Second)
		require.Equal(t, 2, l.diagnostics().System.Streams)
		pass(2 * time.Second)
		require.Equal(t, 1, l.diagnostics().System.Streams)
		<-gone
		pass(10 * time.Minute)
		require.Equal(t, 1, l.diagnostics().System.Streams)
		require.NoError(t, silent.Close())
	})
}

func TestStreamBoundsWhatComesIn(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 6}, nil, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		for _, compressed := range []bool{true, false} {
			large := listen(l, network)
			large.conn.EnableWriteCompression(compressed)
			// May be cut off while it writes.
			_ = large.conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("a"), 5000))
			<-large.done
			require.True(t, websocket.IsCloseError(large.err, websocket.CloseMessageTooBig), "%v", large.err)
			large.close()
		}

		fast := listen(l, network)
		for range 40 {
			if fast.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)) != nil {
				break
			}
		}
		<-fast.done
		require.True(t, websocket.IsCloseError(fast.err, websocket.ClosePolicyViolation), "%v", fast.err)
		fast.close()

		steady := listen(l, network)
		defer steady.close()
		for range 100 {
			steady.send(`{"type":"ping"}`)
			pass(200 * time.Millisecond)
		}
		require.Len(t, steady.got("pong"), 100)
	})
}

func TestStreamAsksForTokenAndOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, query string
		headers     []string
		change      func(*api.Options)
		status      int
	}{
		{name: "open", status: 101},
		{name: "open, its own page", headers: []string{"Origin: http://pulse.local"}, status: 101},
		{name: "open, a foreign page", headers: []string{"Origin: https://evil.example.com"}, status: 403},
		{name: "open, a sandboxed page", headers: []string{"Origin: null"}, status: 403},
		{
			name: "open, an allowed page", headers: []string{"Origin: https://good.example.com"}, status: 101,
			change: func(o *api.Options) { o.AllowedOrigins = []string{"https://good.example.com"} },
		},
		{
			name: "open, everybody allowed", headers: []string{"Origin: https://evil.example.com"}, status: 403,
			change: func(o *api.Options) { o.AllowedOrigins = []string{"*"} },
		},
		{name: "guarded, no token", change: guarded, status: 401},
		{name: "guarded, wrong token", query: "?token=wrong", change: guarded, status: 401},
		{name: "guarded, token in the query", query: "?token=" + token, change: guarded, status: 101},
		{name: "guarded, token in a header", headers: []string{"X-API-Token: " + token}, change: guarded, status: 101},
		{
			name: "guarded, a foreign page with the token", query: "?token=" + token,
			headers: []string{"Origin: https://evil.example.com"}, change: guarded, status: 403,
		},
		{
			name: "guarded, everybody allowed", query: "?token=" + token, headers: []string{"Origin: https://evil.example.com"},
			change: func(o *api.Options) { o.Token, o.AllowedOrigins = token, []string{"*"} }, status: 101,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inLab(t, sim.Config{Seed: 1, Guests: 2}, tt.change, func(l *lab) {
				network, stop := l.serve()
				defer stop()
				conn, answer, err := handshake(l, network, "ws://pulse.local/ws"+tt.query, tt.headers...)
				require.NotNil(t, answer, "%v", err)
				require.Equal(t, tt.status, answer.StatusCode)
				if err == nil {
					require.NoError(t, conn.Close())
				}
				require.NoError(t, answer.Body.Close())
				require.NotContains(t, l.log.String(), token)
			})
		})
	}
}

func TestCloseEndsStreamsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 6}, nil, func(l *lab) {
		network, stop := l.serve()
		defer stop()
		c, stuck := listen(l, network), connect(l, network) // stuck never reads
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, l.api.Close(l.t.Context()))
		require.LessOrEqual(t, time.Since(begun), 2*time.Second)
		<-c.done
		require.True(t, websocket.IsCloseError(c.err, websocket.CloseGoingAway), "%v", c.err)
		_, answer, err := handshake(l, network, "ws://pulse.local/ws")
		require.Error(t, err)
		require.Equal(t, 503, answer.StatusCode)
		require.NoError(t, answer.Body.Close())
		require.NoError(t, l.api.Close(l.t.Context()))
		require.NoError(t, stuck.Close())
		c.close()
	})
}

func TestManyStreamsShareOneEncodedState(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Clusters: 3, NodesPerCluster: 1, Guests: 12}, nil, func(l *lab) {
		l.watch()
		stopMonitor := l.run()
		defer stopMonitor()
		network, stop := l.serve()
		defer stop()
		var clients []*listener
		for range 20 {
			clients = append(clients, listen(l, network))
			pass(350 * time.Millisecond)
		}
		for _, c := range clients {
			c.got()
		}
		pass(2 * time.Minute)
		want := clients[0].got("rawData")
		require.NotEmpty(t, want)
		for _, c := range clients[1:] {
			got := c.got("rawData")
			require.Len(t, got, len(want))
			for i := range got {
				require.True(t, bytes.Equal(want[i].whole, got[i].whole), "all clients get the same frames")
			}
		}
		for _, c := range clients {
			c.close()
		}
	})
}

// TestStuckClientsHoldOneStateEach measures memory, so no other test runs beside it.
func TestStuckClientsHoldOneStateEach(t *testing.T) {
	inLab(t, sim.Config{Seed: 1, Clusters: 2, NodesPerCluster: 1, Guests: 300}, nil, func(l *lab) {
		l.watch()
		stopMonitor := l.run()
		defer stopMonitor()
		network, stop := l.serve()
		defer stop()
		var stuck []*websocket.Conn
		for range 20 {
			conn := connect(l, network)
			for range 2 { // welcome and initialState
				_, _, err := conn.ReadMessage()
				require.NoError(t, err)
			}
			stuck = append(stuck, conn)
		}
		state := len(l.do("GET", "/api/state", nil).body)
		before := liveBytes()
		pass(50 * time.Second) // ten states
		grown := int(liveBytes()) - int(before)
		require.Less(t, grown, 8*state+(8<<20), "a state is %d bytes", state)
		require.Equal(t, len(stuck), l.diagnostics().System.Streams)
		for _, conn := range stuck {
			require.NoError(t, conn.Close())
		}
	})
}

func liveBytes() uint64 {
	runtime.GC()
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64()
}
