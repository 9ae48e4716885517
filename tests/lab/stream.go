package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Stream is a WebSocket to Pulse. One goroutine at a time may read from it.
type Stream struct {
	conn *websocket.Conn
}

// Message is a message of a stream.
type Message struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
	Raw  json.RawMessage `json:"-"` // all of it
}

// Stream opens a WebSocket at /ws, with the token and compression.
func (p *Pulse) Stream(ctx context.Context) (*Stream, error) {
	dialer := websocket.Dialer{EnableCompression: true}
	header := http.Header{}
	if p.Token != "" {
		header.Set("X-API-Token", p.Token)
	}
	conn, reply, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(p.URL, "http")+"/ws", header)
	if reply != nil {
		defer func() { _ = reply.Body.Close() }() // gorilla has read from it what it gives
	}
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	return &Stream{conn: conn}, nil
}

// Next reads the next message; it waits for one until ctx ends, after which the stream can only be closed.
func (s *Stream) Next(ctx context.Context) (Message, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_, text, err := s.conn.ReadMessage()
	m := Message{Raw: text}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Message{}, fmt.Errorf("read a stream: %w", err)
	}
	return m, nil
}

// Send sends a value as JSON, as a client's ping.
func (s *Stream) Send(v any) error { return s.conn.WriteJSON(v) }

// Close cuts the connection.
func (s *Stream) Close() error { return s.conn.Close() }
