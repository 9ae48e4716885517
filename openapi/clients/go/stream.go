package pulseclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Stream is a WebSocket on which Pulse sends what changes. One goroutine at a time may read from it, and one may send.
type Stream struct{ conn *websocket.Conn }

// Stream opens a stream. The first message is a greeting, the second everything that is observed; [StreamMessage] tells
// which is which by its Discriminator. A refusal is an [*Error]. The caller closes the stream.
func (p *Pulse) Stream(ctx context.Context) (*Stream, error) {
	header := http.Header{}
	if p.token != "" {
		header.Set(keyHeader, p.token)
	}
	address := *p.server
	address.Scheme = strings.Replace(address.Scheme, "http", "ws", 1)
	conn, response, err := p.dialer().DialContext(ctx, address.JoinPath("ws").String(), header)
	if response != nil && response.Body != nil {
		defer func() { _ = response.Body.Close() }() // what there is of it was read
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, refusal(response)
	}
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	return &Stream{conn: conn}, nil
}

// dialer connects as the HTTP client does, where that is one whose ways can be told.
func (p *Pulse) dialer() *websocket.Dialer {
	dialer := &websocket.Dialer{EnableCompression: true, Proxy: http.ProxyFromEnvironment}
	client, ok := p.client.(*http.Client)
	if !ok {
		return dialer
	}
	if transport, ok := client.Transport.(*http.Transport); ok {
		dialer.Proxy, dialer.NetDialContext = transport.Proxy, transport.DialContext
		if transport.TLSClientConfig != nil {
			dialer.TLSClientConfig = transport.TLSClientConfig.Clone()
			dialer.TLSClientConfig.NextProtos = nil // a transport may offer HTTP/2, which has no such WebSockets
		}
	}
	return dialer
}

// Next waits for the next message. When ctx ends before it comes, the stream can only be closed.
func (s *Stream) Next(ctx context.Context) (StreamMessage, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }) // wakes the reader
	defer stop()
	var m StreamMessage
	if err := s.conn.ReadJSON(&m); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return StreamMessage{}, fmt.Errorf("read a stream: %w", err)
	}
	return m, nil
}

// Send asks for a pong or for the state; the answer is among the next messages.
func (s *Stream) Send(request StreamRequest) error {
	if err := s.conn.WriteJSON(request); err != nil {
		return fmt.Errorf("send on a stream: %w", err)
	}
	return nil
}

// Close ends the stream.
func (s *Stream) Close() error { return s.conn.Close() }
