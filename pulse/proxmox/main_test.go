package proxmox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// discardLog swallows what servers say about handshakes that are meant to fail.
var discardLog = log.New(io.Discard, "", 0)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The credential of most tests. The secret must never be seen anywhere but in a request's header.
const (
	testTokenID = "monitor@pve!pulse"
	testSecret  = "5ec2e7ab-dead-4bad-8bad-c0ffee000001"
)

func testToken() Credential { return Credential{TokenID: testTokenID, TokenSecret: testSecret} }

// recording is a reply as it was recorded, or one made up in its form.
type recording struct {
	Scenario string   `json:"scenario"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	User     string   `json:"user"`
	Status   int      `json:"status"`
	Reason   string   `json:"reason"`
	Headers  []string `json:"headers"`
	File     string   `json:"file"`

	body []byte
}

func recordings(t testing.TB) []recording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "replies", "index.json"))
	require.NoError(t, err)
	var all []recording
	require.NoError(t, json.Unmarshal(text, &all))
	for i := range all {
		if all[i].File != "" {
			all[i].body = readReply(t, all[i].File)
		}
	}
	return all
}

func readReply(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "replies", file))
	require.NoError(t, err)
	return body
}

// bytes is the reply as it goes over the wire.
func (r recording) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, r.Reason)
	for _, h := range r.Headers {
		if !strings.HasPrefix(h, "Connection:") {
			b.WriteString(h + "\r\n")
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\nConnection: close\r\n\r\n", len(r.body))
	b.Write(r.body)
	return b.Bytes()
}

func (r recording) ServeHTTP(w http.ResponseWriter, _ *http.Request) { writeRaw(w, r.bytes()) }

// writeRaw sends bytes as they are, since a ResponseWriter has no way to set a reason phrase, and hangs up.
func writeRaw(w http.ResponseWriter, raw []byte) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over with it
	_, _ = buf.Write(raw)
	_ = buf.Flush()
}

func jsonReply(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = io.WriteString(w, body)
	}
}

func newServer(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = discardLog
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func fingerprintOf(s *httptest.Server) Fingerprint { return FingerprintOf(s.Certificate()) }

// newClient is a client that trusts the server by its fingerprint.
func newClient(t testing.TB, s *httptest.Server, change ...func(*Options)) *Client {
	t.Helper()
	opt := Options{
		Kind: PVE, Address: s.URL, Credential: testToken(), Trust: Trust{Fingerprint: fingerprintOf(s)},
	}
	for _, f := range change {
		f(&opt)
	}
	c, err := New(opt)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func forPBS(o *Options) { o.Kind = PBS }

// transportFunc is an in-process server for a member.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond makes the response a handler gives.
func respond(req *http.Request, h http.Handler) *http.Response {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	res := rec.Result()
	res.Request = req
	return res
}

// status is a handler for an empty reply with a status and a reason.
func status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

const versionBody = `{"data":{"release":"9.2","repoid":"14a22df35955d97d","version":"9.2.11"}}`

// traceConnected tells the client that the connection stands, as a real transport does.
func traceConnected(req *http.Request) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}
