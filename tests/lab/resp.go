package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxRESP bounds what one value of Redis's protocol may hold, in bytes or elements.
const maxRESP = 512 << 20

// RedisError is a failure that Redis answers, as "WRONGPASS invalid username-password pair".
type RedisError string

// Error is what Redis says.
func (e RedisError) Error() string { return string(e) }

// errRESP reports bytes that are not of Redis's protocol.
var errRESP = errors.New("not of Redis's protocol")

// ReadRESP reads one value of Redis's protocol, version 2: a string, an int64, a []any of such values, a [RedisError],
// or nil. What clients send are arrays of strings.
func ReadRESP(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return nil, errRESP
	}
	switch rest := line[1:]; line[0] {
	case '+':
		return rest, nil
	case '-':
		return RedisError(rest), nil
	case ':':
		return readNumber(rest)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return nil, fmt.Errorf("%w: %q", errRESP, line)
}

func readNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: number %q", errRESP, text)
	}
	return n, nil
}

// readLength reads a length; -1 stands for nothing.
func readLength(text string) (int64, error) {
	n, err := readNumber(text)
	if err == nil && (n < -1 || n > maxRESP) {
		err = fmt.Errorf("%w: length %d", errRESP, n)
	}
	return n, err
}

func readBulk(r *bufio.Reader, length string) (any, error) {
	n, err := readLength(length)
	if err != nil || n < 0 {
		return nil, err
	}
	var text strings.Builder
	if _, err := io.CopyN(&text, r, n); err != nil {
		return nil, err
	}
	var end [2]byte
	if _, err := io.ReadFull(r, end[:]); err != nil {
		return nil, err
	}
	if end != [2]byte{'\r', '\n'} {
		return nil, fmt.Errorf("%w: a string without its end", errRESP)
	}
	return text.String(), nil
}

func readArray(r *bufio.Reader, length string) (any, error) {
	n, err := readLength(length)
	if err != nil || n < 0 {
		return nil, err
	}
	list := []any{}
	for range n {
		v, err := ReadRESP(r)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// writeCommand writes a command as clients send it.
func writeCommand(w io.Writer, args []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// exchange sends commands to a Redis over a connection of its own, and returns the answer to the last. A failure that
// Redis answers is a [RedisError].
func exchange(ctx context.Context, address string, commands ...[]string) (last any, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer func() { err = errors.Join(err, conn.Close()) }()
	in := bufio.NewReader(conn)
	for _, args := range commands {
		if err := writeCommand(conn, args); err != nil {
			return nil, err
		}
		if last, err = ReadRESP(in); err != nil {
			return nil, err
		}
		if failure, ok := last.(RedisError); ok {
			return nil, failure
		}
	}
	return last, nil
}
