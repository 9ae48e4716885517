package lab

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Reply is an answer that was read whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // not compressed
}

// JSON decodes the body into what into points to.
func (r Reply) JSON(into any) error {
	if err := json.Unmarshal(r.Body, into); err != nil {
		return fmt.Errorf("decode an answer with status %d: %w", r.Status, err)
	}
	return nil
}

// newClient returns a client that keeps no connection, so that nothing outlives a request, and follows no redirects.
// It takes every certificate: the servers are on this machine and were started here.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // servers of this machine
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask sends a request and reads the answer.
func ask(ctx context.Context, client *http.Client, method, url string, header http.Header, body any) (r Reply, err error) {
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return Reply{}, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return Reply{}, err
	}
	if header != nil {
		request.Header = header
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return Reply{}, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	r = Reply{Status: response.StatusCode, Header: response.Header}
	r.Body, err = io.ReadAll(response.Body)
	return r, err
}
