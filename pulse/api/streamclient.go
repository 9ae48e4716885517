package api

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/gorilla/websocket"
)

// The bounds of what a stream's client may send.
const (
	maxInbound    = 4096 // bytes of a message
	inboundBurst  = 30   // messages at once
	inboundPerSec = 10   // messages per second after that
)

// How often a client is asked whether it lives: by the protocol, and in JSON as older clients expect it. Together with
// [patience] three answers in a row may be missed.
const (
	pingEvery  = 20 * time.Second
	helloEvery = 30 * time.Second
)

const goodbyeTimeout = time.Second

// Why a stream ends, beside the connection's own errors.
var (
	errGoingAway = errors.New("pulse is stopping")
	errTooFast   = errors.New("too many messages")
	errTooLong   = errors.New("message too long")
)

// streamClient is one end of a stream. Its reader and its writer run side by side and share only the two channels.
type streamClient struct {
	conn *websocket.Conn
	feed *feed

	pinged chan struct{} // the client asked for a pong
	wanted chan struct{} // the client asked for the state

	asked request // the writer's
}

func newStreamClient(conn *websocket.Conn, feed *feed) *streamClient {
	// A request that finds one waiting is the same request.
	return &streamClient{conn: conn, feed: feed, pinged: make(chan struct{}, 1), wanted: make(chan struct{}, 1)}
}

// read takes what the client sends until the connection ends. It also answers the protocol's pings.
func (c *streamClient) read() error {
	c.conn.SetReadLimit(maxInbound)
	allowed := bucket{level: inboundBurst, filled: time.Now()}
	alive := func() error {
		now := time.Now()
		if !allowed.take(now) {
			return errTooFast
		}
		return c.conn.SetReadDeadline(now.Add(patience))
	}
	if err := alive(); err != nil {
		return err
	}
	c.conn.SetPongHandler(func(string) error { return alive() })
	c.conn.SetPingHandler(func(data string) error {
		// Behind a large message the answer may not get its turn; the client's next ping does.
		_ = c.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(goodbyeTimeout))
		return alive()
	})
	for {
		message, err := c.message()
		if err != nil {
			return err
		}
		if err := alive(); err != nil {
			return err
		}
		switch requestType(message) {
		case requestPing:
			offer(c.pinged)
		case requestData:
			offer(c.wanted)
		}
	}
}

// message reads one message. The connection's own limit counts what comes over the line, where a small message may stand
// for a large one.
func (c *streamClient) message() ([]byte, error) {
	_, r, err := c.conn.NextReader()
	if err != nil {
		return nil, err
	}
	message, err := io.ReadAll(io.LimitReader(r, maxInbound+1))
	if err == nil && len(message) > maxInbound {
		err = errTooLong
	}
	return message, err
}

func offer(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// write sends what there is to send until ctx ends or the connection does. While the client does not take a state, newer
// ones come and go; the next it gets is the newest.
func (c *streamClient) write(ctx context.Context) error {
	if err := c.send(welcomeMessage(time.Now())); err != nil {
		return err
	}
	ping, hello := time.NewTicker(pingEvery), time.NewTicker(helloEvery)
	defer ping.Stop()
	defer hello.Stop()
	for {
		frame, wait, changed := c.feed.next(c.asked, time.Now())
		if frame != nil {
			if err := c.sendState(frame); err != nil {
				return err
			}
			continue
		}
		if err := c.wait(ctx, wait, changed, ping.C, hello.C); err != nil {
			return err
		}
	}
}

// wait returns when the feed is to be asked again, and answers pings meanwhile.
func (c *streamClient) wait(ctx context.Context, wait time.Duration, changed <-chan struct{}, ping, hello <-chan time.Time) error {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			return nil
		case <-due:
			return nil
		case <-c.wanted:
			c.asked.wanted = true
			return nil
		case <-c.pinged:
			err = c.send(pingMessage("pong", time.Now()))
		case <-hello:
			err = c.send(pingMessage("ping", time.Now()))
		case <-ping:
			err = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience))
		}
		if err != nil {
			return err
		}
	}
}

// send writes a small message, which is not worth compressing.
func (c *streamClient) send(message any) error {
	c.conn.EnableWriteCompression(false)
	return c.conn.WriteJSON(message)
}

func (c *streamClient) sendState(f *frame) error {
	prepare := f.rawData
	if c.asked.sent == 0 {
		prepare = f.initialState
	}
	message, err := prepare()
	if err != nil {
		return err
	}
	c.asked = request{sent: f.state.Revision, at: time.Now()}
	c.conn.EnableWriteCompression(true)
	return c.conn.WritePreparedMessage(message)
}

// goodbye tells the client why the stream ends, if it listens, and closes the connection, which ends reader and writer.
func (c *streamClient) goodbye(cause error) {
	code, text := websocket.CloseNormalClosure, ""
	switch {
	case errors.Is(cause, errGoingAway):
		code, text = websocket.CloseGoingAway, errGoingAway.Error()
	case errors.Is(cause, errTooLong):
		code, text = websocket.CloseMessageTooBig, errTooLong.Error()
	case errors.Is(cause, errTooFast):
		code, text = websocket.ClosePolicyViolation, errTooFast.Error()
	}
	message := websocket.FormatCloseMessage(code, text)
	// A client that is gone, or does not read, needs no goodbye.
	_ = c.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(goodbyeTimeout))
	_ = c.conn.Close()
}

// bucket bounds a rate: it holds so many messages, and fills with time.
type bucket struct {
	level  float64
	filled time.Time
}

func (b *bucket) take(now time.Time) bool {
	b.level = min(inboundBurst, b.level+now.Sub(b.filled).Seconds()*inboundPerSec)
	b.filled = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
