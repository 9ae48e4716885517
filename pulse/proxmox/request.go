package proxmox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// newRequest builds a request without a credential. The body, if any, must have a known length: PVE refuses chunks.
func (c *Client) newRequest(ctx context.Context, method string, at *endpoint, path, query string, body io.Reader) (*http.Request, error) {
	target := at.base + apiPrefix + path
	if query != "" {
		target += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("%w request path", ErrInvalid)
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	req.Header.Set("Accept", "application/json")
	if c.opt.Kind == PBS {
		req.Header.Set("Accept-Encoding", "deflate") // the only one it knows
	} else {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	return req, nil
}

// serverTime reads the server's clock; zero when it does not tell.
func serverTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// segment checks and escapes one part of a path.
func segment(what, text string) (string, error) {
	if text == "" || text == "." || text == ".." || len(text) > 255 || strings.ContainsAny(text, "/\\\x00") {
		return "", &Error{Kind: ErrInvalid, Message: "bad " + what}
	}
	return url.PathEscape(text), nil
}
