package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/gorilla/websocket"

	"github.com/proxpulse/proxpulse/pulse"
)

// maxStreams is how many streams can be open.
const maxStreams = 2000

// streams are the open streams.
type streams struct {
	feed     feed
	upgrader websocket.Upgrader
	tell     func(open int) // about each change of their number
	closing  chan struct{}  // closed when all have to end
	ended    chan struct{}  // closed when all have ended after that

	mu     sync.Mutex
	closed bool
	open   int
}

func newStreams(m *pulse.Monitor, every time.Duration) *streams {
	return &streams{
		feed: feed{snapshot: m.Snapshot, every: every},
		upgrader: websocket.Upgrader{
			HandshakeTimeout:  handshakeTimeout,
			WriteBufferPool:   &sync.Pool{},
			CheckOrigin:       func(*http.Request) bool { return true }, // checked before, with an answer in JSON
			EnableCompression: true,
			Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
				if status == http.StatusInternalServerError {
					writeError(w, newError(http.StatusNotImplemented, "There are no WebSockets on this connection"))
					return
				}
				writeError(w, newError(status, "The WebSocket handshake is not valid"))
			},
		},
		tell:    m.SetStreamClients,
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
}

const handshakeTimeout = 10 * time.Second

// enter counts a new stream, unless there are too many or all are to end.
func (s *streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open >= maxStreams {
		return false
	}
	s.open++
	s.tell(s.open)
	return true
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	s.tell(s.open)
	if s.open > 0 {
		return
	}
	s.feed.rest()
	if s.closed {
		close(s.ended)
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *streams) close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
		if s.open == 0 {
			close(s.ended)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *API) registerStream() {
	messages := a.streamMessages()
	a.schemaOf(StreamRequest{}) // no operation has it; it is described for those who write clients
	register(a, operation{
		id: "stream", method: http.MethodGet, path: "/ws", tag: tagState, stream: true,
		summary: "Follow everything that is observed, over a WebSocket",
		description: "Text messages, each one JSON object with `type` and `data`: `welcome`, `initialState`, then " +
			"`rawData` whenever the state changed. A client that is slow gets the newest state, never a backlog; one " +
			"that does not read for a minute is closed. A client may send `{\"type\":\"ping\"}`, answered with `pong`, and " +
			"`{\"type\":\"requestData\"}`, answered with `rawData`. Pages of other origins need to be in ALLOWED_ORIGINS. " +
			"permessage-deflate is offered. What a client sends is a `StreamRequest`; units are those of `/api/state`.",
		status: http.StatusSwitchingProtocols,
		errors: []int{http.StatusUpgradeRequired, http.StatusNotImplemented},
		success: &huma.Response{
			Description: "The connection is a WebSocket from here on; these are the messages on it.",
			Content:     map[string]*huma.MediaType{contentTypeJSON: {Schema: messages}},
		},
	}, a.stream)
}

// streamMessages describes whatever Pulse sends over a stream; the type tells which it is.
func (a *API) streamMessages() *huma.Schema {
	welcome, state, ping := a.schemaOf(StreamWelcome{}), a.schemaOf(StreamState{}), a.schemaOf(StreamPing{})
	return named(a.huma.OpenAPI().Components.Schemas, "StreamMessage", &huma.Schema{
		OneOf:       []*huma.Schema{welcome, state, ping},
		Description: "A message that Pulse sends over the WebSocket.",
		Discriminator: &huma.Discriminator{PropertyName: "type", Mapping: map[string]string{
			"welcome": welcome.Ref, "initialState": state.Ref, "rawData": state.Ref, "ping": ping.Ref, "pong": ping.Ref,
		}},
	})
}

func (a *API) stream(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if err := a.mayStream(w, r); err != nil {
			writeError(w, err)
			return
		}
		a.streams.serve(w, r)
	}}, nil
}

// mayStream tells why a request cannot become a stream; nil when it can.
func (a *API) mayStream(w http.ResponseWriter, r *http.Request) *Error {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		return newError(http.StatusUpgradeRequired, "This is a WebSocket: connect with ws:// or wss://")
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(r) && !a.origins().allows(origin) {
		return newError(http.StatusForbidden,
			"Pages of another origin are refused: set ALLOWED_ORIGINS to that origin")
	}
	return nil
}

// serve keeps the connection until the client is gone or the API closes. It starts the stream's reader and writer and
// waits for both.
func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		writeError(w, newError(http.StatusServiceUnavailable, "There are too many streams, or Pulse is stopping"))
		return
	}
	defer s.leave()
	conn, err := s.upgrader.Upgrade(patientHijacker{w}, r, nil)
	if err != nil {
		return // answered by the upgrader
	}
	c := newStreamClient(conn, &s.feed)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	var both sync.WaitGroup
	both.Go(func() { cancel(c.read()) })
	both.Go(func() { cancel(c.write(ctx)) })
	select {
	case <-s.closing:
		cancel(errGoingAway)
	case <-ctx.Done():
	}
	c.goodbye(context.Cause(ctx))
	both.Wait()
}
