package proxmox

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

const (
	apiPrefix = "/api2/json"
	// bodyTime is how long a body may take once the header is there.
	bodyTime = 30 * time.Second
	// errorBodyBytes is as much of an error's body as is read.
	errorBodyBytes = 16 << 10
)

// errTimeLimit is why a request ends that ran longer than its class allows.
var errTimeLimit = errors.New("no answer in time")

// errEncoding means a body is packed in a way nobody asked for.
var errEncoding = errors.New("unknown content encoding")

// reply is an HTTP reply read whole. Its body goes back to the recycler after use.
type reply struct {
	status int
	reason string
	header http.Header
	body   []byte
	at     time.Time
	took   time.Duration
}

// transportError is a request that got no reply, or not all of it.
type transportError struct {
	connected bool // a connection was made, or one was at hand
	err       error
}

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// exchange sends a request and reads the reply. limit bounds the wait for the header.
func (c *Client) exchange(at *endpoint, req *http.Request, op string, limit time.Duration) (reply, error) {
	started := time.Now()
	r, err := c.roundTrip(at.rt, req, limit)
	r.took = time.Since(started)
	if c.opt.Observe != nil {
		c.opt.Observe(CallStats{
			Op: op, Member: at.base, Status: r.status, Took: r.took, Bytes: len(r.body), Err: c.observedError(at, r, err),
		})
	}
	return r, err
}

func (c *Client) observedError(at *endpoint, r reply, err error) error {
	if err != nil {
		return c.transportFailure(call{}, at, err)
	}
	if r.status < 200 || r.status > 299 {
		return &Error{Member: at.base, Status: r.status, Message: c.line(r.reason), Kind: statusKind(c.opt.Kind, r.status)}
	}
	return nil
}

func (c *Client) roundTrip(rt http.RoundTripper, req *http.Request, limit time.Duration) (reply, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(errTimeLimit) })
	defer timer.Stop()
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	fail := func(err error) (reply, error) {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return reply{}, &transportError{connected: connected.Load(), err: err}
	}
	res, err := rt.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	connected.Store(true)
	timer.Reset(max(limit, bodyTime))
	r := reply{status: res.StatusCode, reason: reasonPhrase(res), header: res.Header}
	body, err := c.readBody(res)
	r.body, r.at = body, time.Now().UTC()
	if err != nil {
		c.recycle.give(body)
		r.body = nil
		if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrMalformed) {
			return r, err
		}
		_, err = fail(err)
		return r, err
	}
	return r, nil
}

// reasonPhrase is the text after the status code, where PVE puts its message.
func reasonPhrase(res *http.Response) string {
	_, reason, _ := strings.Cut(res.Status, " ")
	return reason
}

// readBody reads and unpacks a body. Of an error only the beginning is kept.
func (c *Client) readBody(res *http.Response) ([]byte, error) {
	limit := c.opt.MaxReplyBytes
	failed := res.StatusCode < 200 || res.StatusCode > 299
	if failed {
		limit = min(limit, errorBodyBytes)
	}
	buf := bytes.NewBuffer(c.recycle.take())
	src, done, err := c.unpack(res)
	defer done()
	if err == nil {
		_, err = buf.ReadFrom(io.LimitReader(src, limit+1))
	}
	switch {
	case failed:
		// What a failed call says is a bonus: the status is enough.
		return buf.Bytes()[:min(int64(buf.Len()), limit)], nil
	case corrupt(err):
		return buf.Bytes(), fmt.Errorf("%w: cannot be unpacked: %w", ErrMalformed, err)
	case err != nil:
		return buf.Bytes(), err
	case int64(buf.Len()) > limit:
		return buf.Bytes(), fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	}
	return buf.Bytes(), nil
}

// unpack undoes the content encoding. PBS calls zlib's format deflate, as the standard does; some send it bare. done is
// never nil; it is called when the body was read.
func (c *Client) unpack(res *http.Response) (src io.Reader, done func(), err error) {
	nothing := func() {}
	switch encoding := strings.ToLower(res.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return res.Body, nothing, nil
	case "gzip", "x-gzip":
		if res.ContentLength == 0 {
			return res.Body, nothing, nil
		}
		z := c.recycle.takeGunzip()
		err := z.open(res.Body)
		return &z.Reader, func() { c.recycle.giveGunzip(z) }, err
	case "deflate":
		src, err := inflate(res.Body)
		return src, nothing, err
	default:
		return nil, nothing, errEncoding
	}
}

func inflate(body io.Reader) (io.Reader, error) {
	var head [2]byte
	n, err := io.ReadFull(body, head[:])
	src := io.MultiReader(bytes.NewReader(head[:n]), body)
	if err != nil {
		return src, nil //nolint:nilerr // too short to be packed; reading it again tells why
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(src)
	}
	return flate.NewReader(src), nil
}

// corrupt tells broken packing from a broken connection.
func corrupt(err error) bool {
	var bare flate.CorruptInputError
	return errors.Is(err, errEncoding) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) ||
		errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrHeader) || errors.As(err, &bare)
}
