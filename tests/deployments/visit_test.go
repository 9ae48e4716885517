package deployments

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// visit is one client's way through a deployment. It keeps what was answered, to be compared with other deployments.
type visit struct {
	*testing.T
	deployment
	estate    *standing
	transport *http.Transport
	revision  string // of the configuration that the client has seen
	kept      []exchange
}

// exchange is what is to be the same everywhere.
type exchange struct {
	Name, Request string
	Status        int
	Header        http.Header
	Body          string
}

func newVisit(t *testing.T, d deployment, s *standing) *visit {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	return &visit{T: t, deployment: d, estate: s, transport: transport}
}

// request is what a client sends. It carries the token unless it says how else.
type request struct {
	name         string // of the exchange; empty is the method and the path
	method, path string
	header       []string // as "Accept: text/html"
	body         any      // text as it stands, anything else as JSON
	anonymous    bool
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   []byte // not compressed
}

func (r reply) json(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, into), "%s", r.body)
}

// ask sends a request that has to be answered with a status, and keeps the answer.
func (v *visit) ask(status int, q request) reply {
	v.Helper()
	if q.name == "" {
		q.name = q.method + " " + q.path
	}
	r := v.send(q)
	require.Equalf(v, status, r.status, "%s: %.500s", q.name, r.body)
	i := slices.IndexFunc(v.kept, func(e exchange) bool { return e.Name == q.name })
	require.Negative(v, i, "%s is the name of two exchanges", q.name)
	v.kept = append(v.kept, exchange{q.name, q.method + " " + q.path, r.status, settledHeader(r.header), settledBody(r)})
	return r
}

// get reads a path, and keeps the answer.
func (v *visit) get(path string, header ...string) reply {
	v.Helper()
	return v.ask(http.StatusOK, request{method: http.MethodGet, path: path, header: header})
}

// send sends a request and holds the answer to the document.
func (v *visit) send(q request) reply {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), limit)
	defer cancel()
	built, err := http.NewRequestWithContext(ctx, q.method, v.url+q.path, q.content(v.T))
	require.NoError(v, err)
	if _, text := q.body.(string); q.body != nil && !text {
		built.Header.Set("Content-Type", "application/json")
	}
	if !q.anonymous {
		built.Header.Set("X-API-Token", apiToken)
	}
	if v.revision != "" {
		built.Header.Set("Pulse-Revision", v.revision)
	}
	for _, line := range q.header {
		name, value, _ := strings.Cut(line, ": ")
		built.Header.Set(name, value)
	}
	response, err := v.transport.RoundTrip(built)
	require.NoError(v, err, q.name)
	body, err := io.ReadAll(response.Body)
	require.NoError(v, err, q.name)
	require.NoError(v, response.Body.Close())
	r := reply{response.StatusCode, response.Header, plain(v.T, response.Header.Get("Content-Encoding"), body)}
	require.NoErrorf(v, promise.Answer(q.method, q.path, r.status, r.header, r.body), "%s: %.500s", q.name, r.body)
	if revision := r.header.Get("Pulse-Revision"); revision != "" {
		v.revision = revision
	}
	return r
}

func (q request) content(t *testing.T) io.Reader {
	t.Helper()
	switch body := q.body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		require.NoError(t, err)
		return bytes.NewReader(text)
	}
}

// plain takes a body out of its coding.
func plain(t *testing.T, coding string, body []byte) []byte {
	t.Helper()
	if len(body) == 0 {
		return body // of HEAD
	}
	var from io.Reader
	switch coding {
	case "":
		return body
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		require.NoError(t, err)
		from = z
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
		require.NoError(t, err)
		defer z.Close()
		from = z
	default:
		require.FailNow(t, "an unknown coding", coding)
	}
	text, err := io.ReadAll(from)
	require.NoError(t, err)
	return text
}

// await reads a path until missing finds nothing missing in the answer, which is not kept.
func (v *visit) await(what, path string, missing func(reply) error) {
	v.Helper()
	labtest.Await(v, what, func(context.Context) error {
		r := v.send(request{method: http.MethodGet, path: path})
		if r.status != http.StatusOK {
			return fmt.Errorf("status %d: %s", r.status, r.body)
		}
		return missing(r)
	})
}

// same compares what two visits kept, of the exchanges that both have, and tells how many those are.
func same(t *testing.T, want, got *visit) int {
	t.Helper()
	compared := 0
	for _, e := range got.kept {
		i := slices.IndexFunc(want.kept, func(w exchange) bool { return w.Name == e.Name })
		if i < 0 {
			continue
		}
		compared++
		require.Equal(t, want.kept[i].Body, e.Body, "%s of %s is not as of %s", e.Name, got.name, want.name)
		require.Equal(t, want.kept[i], e, "%s of %s is not as of %s", e.Name, got.name, want.name)
	}
	return compared
}
