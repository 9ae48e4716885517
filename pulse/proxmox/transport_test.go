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
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRepliesThatAreNotProxmox(t *testing.T) {
	t.Parallel()
	page := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "<html>welcome</html>")
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"a page", page(200), ErrNotProxmox},
		{"a page not found", page(404), ErrNotProxmox},
		{"a page that asks for a login", page(401), ErrNotProxmox},
		{"a page that is forbidden", page(403), ErrNotProxmox},
		{"basic authentication", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
		}, ErrNotProxmox},
		{"plain text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, ErrNotProxmox},
		{"an empty reply", func(http.ResponseWriter, *http.Request) {}, ErrNotProxmox},
		{"another API", jsonReply(`{"status":"ok"}`), ErrNotProxmox},
		{"another API with a list", jsonReply(`[1,2]`), ErrNotProxmox},
		{"another shape", jsonReply(`{"data":"9.2"}`), ErrMalformed},
		{"half a reply", jsonReply(`{"data":{"version":"9`), ErrMalformed},
		{"a redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(301)
		}, ErrNotProxmox},
		{"a reverse proxy without its server", page(502), ErrOverloaded},
		{"a server in trouble", page(503), ErrOverloaded},
		{"a path that is not there", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, ErrNotProxmox},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := newClient(t, newServer(t, tt.handler)).Version(t.Context())
			require.ErrorIs(t, err, tt.want)
			require.NotContains(t, err.Error(), "evil.example")
		})
	}
}

// TestRedirectIsNotFollowed: a redirect could lead the credential anywhere.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	elsewhere := newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	s := newServer(t, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	_, _, err := newClient(t, s).Version(t.Context())
	require.ErrorIs(t, err, ErrNotProxmox)
	require.Zero(t, visits.Load())
	require.ErrorContains(t, err, "it redirects to another address, and redirects are not followed")
}

// TestPlainHTTPPort: PVE answers plain HTTP on its port with a redirect; other servers with a page.
func TestPlainHTTPPort(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(jsonReply(versionBody))
	t.Cleanup(s.Close)
	c, err := New(Options{Kind: PVE, Address: s.URL, Credential: testToken()})
	require.NoError(t, err)
	_, _, err = c.Version(t.Context())
	require.ErrorIs(t, err, ErrNotProxmox)
}

func TestReplySizeIsBounded(t *testing.T) {
	t.Parallel()
	pack := map[string]func([]byte) []byte{
		"": func(b []byte) []byte { return b },
		"gzip": func(b []byte) []byte {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			_, _ = w.Write(b)
			_ = w.Close()
			return out.Bytes()
		},
		"deflate": func(b []byte) []byte {
			var out bytes.Buffer
			w := zlib.NewWriter(&out)
			_, _ = w.Write(b)
			_ = w.Close()
			return out.Bytes()
		},
		"deflate bare": func(b []byte) []byte {
			var out bytes.Buffer
			w, _ := flate.NewWriter(&out, 9)
			_, _ = w.Write(b)
			_ = w.Close()
			return out.Bytes()
		},
	}
	for name, packed := range pack {
		t.Run("packed "+name, func(t *testing.T) {
			t.Parallel()
			body := func(n int) []byte {
				return []byte(`{"data":{"version":"9.2.11","x":"` + strings.Repeat("a", n) + `"}}`)
			}
			var size atomic.Int64
			s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				encoding, _, _ := strings.Cut(name, " ")
				if encoding != "" {
					w.Header().Set("Content-Encoding", encoding)
				}
				_, _ = w.Write(packed(body(int(size.Load()))))
			}))
			c := newClient(t, s, func(o *Options) { o.MaxReplyBytes = 10000 })
			v, meta, err := c.Version(t.Context())
			require.NoError(t, err)
			require.Equal(t, "9.2.11", v.Version)
			require.Equal(t, len(body(0)), meta.Bytes)
			size.Store(10000 - int64(len(body(0))))
			_, _, err = c.Version(t.Context())
			require.NoError(t, err, "just as long as allowed")
			size.Add(1)
			_, _, err = c.Version(t.Context())
			require.ErrorIs(t, err, ErrTooLarge)
			size.Store(3 << 20)
			_, _, err = c.Version(t.Context())
			require.ErrorIs(t, err, ErrTooLarge)
		})
	}
}

func TestBrokenPackingIsMalformed(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "deflate", "br"} {
		s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			_, _ = io.WriteString(w, `{"data":{"version":"9.2.11"}}, which is not packed at all`)
		}))
		_, _, err := newClient(t, s).Version(t.Context())
		require.ErrorIs(t, err, ErrMalformed, encoding)
	}
}

// TestEachProductIsAskedForItsPacking: PVE knows gzip, PBS only deflate.
func TestEachProductIsAskedForItsPacking(t *testing.T) {
	t.Parallel()
	var asked, agent atomic.Value
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Header.Get("Accept-Encoding"))
		agent.Store(r.UserAgent())
		jsonReply(versionBody)(w, r)
	}))
	_, _, err := newClient(t, s).Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "gzip", asked.Load())
	require.Equal(t, "pulse", agent.Load())
	_, _, err = newClient(t, s, forPBS, func(o *Options) { o.UserAgent = "x/1" }).Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "deflate", asked.Load())
	require.Equal(t, "x/1", agent.Load())
}

// TestReasonPhraseIsTheMessage: before late 8.x the body of an error says nothing.
func TestReasonPhraseIsTheMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
		status           int
		reason           string
		kind             error
	}{
		{"reason alone", `{"data":null}`, "Permission check failed (/vms/100, VM.Monitor)", 403, "Permission check failed (/vms/100, VM.Monitor)", ErrForbidden},
		{"body wins", `{"data":null,"message":"from the body\n"}`, "from the body", 500, "from the reason", nil},
		{"no body", ``, "got timeout", 500, "got timeout", nil},
		{"not a guest", ``, "no such cluster node 'x'", 500, "no such cluster node 'x'", ErrNotFound},
		{"agent", ``, "QEMU guest agent is not running", 500, "QEMU guest agent is not running", ErrNoAgent},
		{"stopped", ``, "VM 100 is not running", 500, "VM 100 is not running", ErrNotRunning},
		{"loop", ``, "proxy loop detected", 500, "proxy loop detected", ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, recording{Status: tt.status, Reason: tt.reason, body: []byte(tt.body)})
			_, _, err := newClient(t, s).NodeStatus(t.Context(), "n")
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.want, e.Message)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.status, e.Status)
			require.Equal(t, "/nodes/n/status", e.Path)
		})
	}
}

// TestBackupServerErrorsArePlainText: their content type says JSON all the same.
func TestBackupServerErrorsArePlainText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		kind   error
	}{
		{401, "authentication failed", ErrUnauthorized},
		{403, "permission check failed", ErrForbidden},
		{404, "Path '/api2/json/admin/datastore/x/namespace' not found.", ErrUnsupported},
		{400, "no such datastore 'nope'", ErrNotFound},
		{400, "offline maintenance mode: moving disks", ErrMaintenance},
		{400, "datastore 'removable1' is not mounted", ErrMaintenance},
		{400, "something else", nil},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, recording{Status: tt.status, Reason: http.StatusText(tt.status), Headers: []string{"Content-Type: application/json;charset=UTF-8"}, body: []byte(tt.body)})
			_, _, err := newClient(t, s, forPBS).Namespaces(t.Context(), "x")
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.body, e.Message)
		})
	}
}

func TestErrorsAreOneBoundedLine(t *testing.T) {
	t.Parallel()
	body := `{"message":"first line\nsecond\u0000\u001b[31m ` + strings.Repeat("ü", 1000) + `","data":null}`
	s := newServer(t, recording{Status: 500, Reason: "x", body: []byte(body)})
	_, _, err := newClient(t, s).Version(t.Context())
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "\x1b")
	require.Contains(t, err.Error(), "first line second [31m üü")
	require.Less(t, len(err.Error()), 500)
}

// TestSecretsStayInside provokes every kind of failure with a server that repeats what it was sent, and looks for the
// secrets in everything that comes out.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	repeat := func(status int, contentType string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			text, _ := url.QueryUnescape(string(body))
			fmt.Fprintf(w, "you sent %s %s %s %s", r.Header.Get("Authorization"), r.Header.Get("Cookie"), text, r.URL)
		}
	}
	failing := []http.Handler{
		repeat(200, "application/json"), repeat(401, "application/json"), repeat(403, "text/plain"), repeat(400, "application/json"),
		repeat(500, "text/plain"), repeat(200, "text/html"), repeat(301, "text/plain"),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			auth := r.Header.Get("Authorization") + r.PostFormValue("password")
			writeRaw(w, []byte("HTTP/1.1 500 failed for "+auth+"\r\nContent-Length: 0\r\n\r\n"))
		}),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			writeRaw(w, []byte("HTTP/1.1 garbage "+r.Header.Get("Authorization")+"\r\n"))
		}),
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeRaw(w, nil) }),
	}
	for i, handler := range failing {
		for _, kind := range []Kind{PVE, PBS} {
			for _, cred := range []Credential{testToken(), {User: "root@pam", Password: testSecret}} {
				t.Run(fmt.Sprint(i, kind, cred.TokenID), func(t *testing.T) {
					t.Parallel()
					s := newServer(t, handler)
					var seen []string
					var mu sync.Mutex
					c := newClient(t, s, func(o *Options) {
						o.Kind, o.Credential = kind, cred
						o.Observe = func(st CallStats) {
							mu.Lock()
							defer mu.Unlock()
							seen = append(seen, fmt.Sprintf("%+v %v", st, st.Err))
						}
					})
					_, _, err := c.Version(t.Context())
					require.Error(t, err)
					_, again := Probe(t.Context(), Options{Kind: kind, Address: s.URL, Credential: cred, Trust: Trust{Fingerprint: fingerprintOf(s)}})
					require.Error(t, again)
					out := fmt.Sprintf("%v %+v %#v %+v %v %+v", err, err, err, again, c.Members(), errors.Unwrap(err))
					mu.Lock()
					defer mu.Unlock()
					require.NotEmpty(t, seen)
					require.NotContains(t, out+strings.Join(seen, " "), testSecret)
				})
			}
		}
	}
}

func TestConnectionFailures(t *testing.T) {
	t.Parallel()
	closed := httptest.NewTLSServer(http.NotFoundHandler())
	address := closed.URL
	closed.Close()
	tests := []struct {
		name    string
		address string
		dial    func(context.Context, string, string) (net.Conn, error)
		want    error
	}{
		{"refused", address, nil, ErrRefused},
		{"no such name", "pve.example", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "pve.example", IsNotFound: true}}
		}, ErrDNS},
		{"refused by a rule of the caller", "pve.example", func(context.Context, string, string) (net.Conn, error) { return nil, errRule }, errRule},
		{"no route", "pve.example", func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }, ErrUnreachable},
		{"hangs up", "pve.example", func(context.Context, string, string) (net.Conn, error) {
			a, b := net.Pipe()
			_ = b.Close()
			return a, nil
		}, ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := New(Options{Kind: PVE, Address: tt.address, Credential: testToken(), DialContext: tt.dial})
			require.NoError(t, err)
			_, meta, err := c.Version(t.Context())
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, c.Address(), meta.Member)
		})
	}
}

var errRule = errors.New("address not allowed")

func TestProxyIsAskedFor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	c, err := New(Options{Kind: PVE, Address: "pve.example", Credential: testToken(), Proxy: func(*http.Request) (*url.URL, error) {
		asked.Add(1)
		return nil, errRule
	}})
	require.NoError(t, err)
	_, _, err = c.Version(t.Context())
	require.ErrorIs(t, err, errRule)
	require.Positive(t, asked.Load())
}

func TestMetaTellsWhereAReplyComesFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stats []CallStats
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			time.Sleep(250 * time.Millisecond)
			res := respond(req, jsonReply(versionBody))
			res.Header.Set("Date", "Mon, 23 Nov 2026 19:33:55 GMT")
			return res, nil
		}, func(o *Options) { o.Observe = func(s CallStats) { stats = append(stats, s) } })
		_, meta, err := c.Version(t.Context())
		require.NoError(t, err)
		require.Equal(t, Meta{
			At: time.Now().UTC(), ServerTime: time.Date(2026, 11, 23, 19, 33, 55, 0, time.UTC), Member: "https://pve-a:8006",
			Took: 250 * time.Millisecond, Bytes: len(versionBody),
		}, meta)
		require.Equal(t, []CallStats{{Op: "read the version", Member: "https://pve-a:8006", Status: 200, Took: 250 * time.Millisecond, Bytes: len(versionBody)}}, stats)
	})
}

func TestCallsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	c := inProcess(t, func(string, *http.Request) (*http.Response, error) { panic("no request is made") })
	_, err := c.Ping(t.Context())
	require.ErrorIs(t, err, ErrWrongKind)
	for _, node := range []string{"", ".", "..", "a/b", "a\\b", strings.Repeat("n", 256)} {
		_, _, err = c.NodeStatus(t.Context(), node)
		require.ErrorIs(t, err, ErrInvalid, node)
	}
	_, _, err = c.GuestStatus(t.Context(), "n", "openvz", 1)
	require.ErrorIs(t, err, ErrInvalid)
	c.Close()
	_, _, err = c.Version(t.Context())
	require.ErrorIs(t, err, ErrClosed)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := Options{Kind: PVE, Address: "pve1", Credential: testToken()}
	_, err := New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*Options){
		"no kind":             func(o *Options) { o.Kind = "" },
		"no address":          func(o *Options) { o.Address = "" },
		"no credential":       func(o *Options) { o.Credential = Credential{} },
		"short token":         func(o *Options) { o.Credential.TokenID = "pulse" },
		"token without realm": func(o *Options) { o.Credential.TokenID = "monitor!pulse" },
		"no token secret":     func(o *Options) { o.Credential.TokenSecret = "" },
		"header injection":    func(o *Options) { o.Credential.TokenSecret = testSecret + "\r\nX: y" },
		"user without realm":  func(o *Options) { o.Credential = Credential{User: "root", Password: testSecret} },
		"no password":         func(o *Options) { o.Credential = Credential{User: "root@pam"} },
		"bad agent":           func(o *Options) { o.UserAgent = "a\nb" },
		"negative time-out":   func(o *Options) { o.Timeouts.Quick = -1 },
		"negative size":       func(o *Options) { o.MaxReplyBytes = -1 },
		"unknown verify":      func(o *Options) { o.Trust.Verify = 9 },
	} {
		opt := good
		spoil(&opt)
		_, err := New(opt)
		require.ErrorIs(t, err, ErrInvalid, name)
		require.NotContains(t, err.Error(), testSecret)
	}
}

// BenchmarkResources is a whole poll of 10,000 guests over TLS, packed, on one kept connection.
func BenchmarkResources(b *testing.B) {
	for _, guests := range []int{1000, 10000} {
		b.Run(strconv.Itoa(guests), func(b *testing.B) {
			body := table(guests)
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write(body)
			_ = w.Close()
			s := newServer(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed.Bytes())
			}))
			c := newClient(b, s)
			b.ReportAllocs()
			for b.Loop() {
				got, _, err := c.Resources(b.Context())
				if err != nil || len(got.Guests) != guests {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(guests), "ns/guest")
		})
	}
}
