package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// streamClient is a WebSocket client that leaves messages compressed, so that a hundred of them do not take the CPU
// that is to be measured.
type streamClient struct {
	conn  net.Conn
	in    *bufio.Reader
	knows string // the guest of whose end it learned last; guarded by the audience
}

func dialStream(ctx context.Context, url, token string) (*streamClient, error) {
	address := strings.TrimPrefix(url, "http://")
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &streamClient{conn: conn, in: bufio.NewReaderSize(conn, 32<<10)}
	if err := c.shakeHands(ctx, url, token); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *streamClient) shakeHands(ctx context.Context, url, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ws", nil)
	if err != nil {
		return err
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key":        base64.StdEncoding.EncodeToString(key[:]),
		"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"X-API-Token":              token,
	} {
		request.Header.Set(name, value)
	}
	if err := request.Write(c.conn); err != nil {
		return err
	}
	reply, err := http.ReadResponse(c.in, request)
	if err != nil {
		return err
	}
	_ = reply.Body.Close() // after it the connection is the stream
	if reply.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("open a stream: status %d", reply.StatusCode)
	}
	return nil
}

func (c *streamClient) close() { _ = c.conn.Close() }

// The parts of a frame's first two bytes, and the opcodes that matter here.
const (
	finalFrame   = 0x80
	deflated     = 0x40
	opcodeMask   = 0x0f
	opcodeClose  = 8
	opcodePing   = 9
	opcodePong   = 10
	controlCodes = 8
	masked       = 0x80
	lengthMask   = 0x7f
)

// next returns the next message's payload, as it was sent. It answers pings meanwhile.
func (c *streamClient) next() (payload []byte, compressed bool, err error) {
	for begun := false; ; {
		first, part, err := c.frame(payload)
		if err != nil {
			return nil, false, err
		}
		if first&opcodeMask >= controlCodes {
			if err := c.control(first&opcodeMask, part[len(payload):]); err != nil {
				return nil, false, err
			}
			payload = part[:len(payload)]
			continue
		}
		payload = part
		if !begun {
			begun, compressed = true, first&deflated != 0
		}
		if first&finalFrame != 0 {
			return payload, compressed, nil
		}
	}
}

// frame reads a frame and appends its payload.
func (c *streamClient) frame(to []byte) (first byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return 0, nil, err
	}
	first = head[0]
	length := uint64(head[1] & lengthMask)
	switch length {
	case 126:
		_, err = io.ReadFull(c.in, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(c.in, head[:8])
		length = binary.BigEndian.Uint64(head[:8])
	}
	const maxLength = 1 << 30
	if err == nil && length > maxLength {
		err = errors.New("a frame is too long")
	}
	if err != nil {
		return 0, nil, err
	}
	begin := len(to)
	to = append(to, make([]byte, length)...)
	_, err = io.ReadFull(c.in, to[begin:])
	return first, to, err
}

// control answers a control frame. Clients mask what they send; the mask is zero here.
func (c *streamClient) control(opcode byte, payload []byte) error {
	switch opcode {
	case opcodeClose:
		return fmt.Errorf("pulse closed the stream: %q", payload)
	case opcodePing:
		length := byte(len(payload) & lengthMask) // control frames are short
		answer := append([]byte{finalFrame | opcodePong, masked | length, 0, 0, 0, 0}, payload...)
		_, err := c.conn.Write(answer)
		return err
	}
	return nil
}
