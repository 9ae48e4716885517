package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestUncleanPathsAreServedWithoutRedirect(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})
	for _, path := range []string{"//api//state", "/api/state/", "/api/x/../state", "/./api/./state"} {
		reply := s.send(p, http.MethodGet, "", func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + path })
		require.Equalf(t, http.StatusUnauthorized, reply.Status, "%s without the token: %s", path, reply.Body)
		reply = s.send(p, http.MethodGet, "", func(r *http.Request) {
			r.URL.Opaque = "//" + r.URL.Host + path
			r.Header.Set("X-API-Token", apiToken)
		})
		require.Equalf(t, http.StatusOK, reply.Status, "%s: %s", path, reply.Body)
	}
}

func TestForeignPagesAndNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	for name, prepare := range map[string]func(*http.Request){
		"a name that points here":                  func(r *http.Request) { r.Host = "evil.example.com" },
		"a foreign page":                           func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		"a foreign page, by what the browser says": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		reply := s.send(p, http.MethodDelete, "/api/config/nodes/pve-0", prepare)
		require.Equal(t, http.StatusForbidden, reply.Status, name)
		require.Contains(t, string(reply.Body), "ALLOWED_ORIGINS", name)
	}
}

// Only a connection carries these; what any client can send is in package deployments.
func TestBrokenRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	for name, prepare := range map[string]func(*http.Request){
		"bytes that are no text": func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip;q=x,*;q=9,\xff") },
		"a broken query":         func(r *http.Request) { r.URL.RawQuery = "token=%zz&;&a=%" },
	} {
		for _, path := range []string{"/api/health", "/api/state", "/api/openapi.json"} {
			reply := s.send(p, http.MethodGet, path, prepare)
			require.Equal(t, http.StatusOK, reply.Status, name)
			require.Equal(t, "application/json", reply.Header.Get("Content-Type"), name)
		}
	}
}

// Clients that send nothing, or never end, do not keep others from being answered, and are let go.
func TestSlowClientsKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	host := strings.TrimPrefix(p.URL, "http://")
	for _, begin := range []string{
		"", "GET /api/state HTTP/1.1\r\nHost: " + host + "\r\n",
		"POST /api/config/nodes HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		for range 50 {
			conn := dial(t, host)
			_, err := io.WriteString(conn, begin)
			require.NoError(t, err)
		}
	}
	require.Equal(t, http.StatusOK, s.ask(p, http.MethodGet, "/api/state", nil).Status)

	conn := dial(t, host)
	_, err := io.WriteString(conn, "POST /api/config/nodes HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(limit)))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, "an answer comes although the body does not")
	require.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.JSONEq(t, errorExample(t, http.StatusRequestTimeout), string(body))
	require.NoError(t, answer.Body.Close())
	require.Empty(t, s.nodes(p))
}

// dial connects to Pulse until the end of the test.
func dial(t *testing.T, host string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", host)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // Pulse may have closed it
	return conn
}

// A stream that sends nonsense is only ignored, and one that is not read costs nobody else anything.
func TestStreamsThatMisbehave(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-demo", "-tick", "1s")
	p := s.start(lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})
	home := s.cluster("home")
	s.every(p, 2)
	s.add(p, withToken("pve", "home", home.URL(), home.Credentials["auditor"]))
	for range 20 {
		s.stream(p) // never read
	}
	stream := s.stream(p)
	for _, nonsense := range []any{"", 7, nil, []string{"ping"}, map[string]any{"type": 7}, map[string]any{"type": "no such"}} {
		require.NoError(t, stream.Send(nonsense))
	}
	require.NoError(t, stream.Send(map[string]any{"type": "ping", "more": strings.Repeat("x", 100)}))
	s.awaitMessage(stream, "pong")
	s.follow(stream, "the estate", func(st state) bool { return len(st.guests()) == 17 })

	labtest.Await(t, "the end of a stream that sends too much", func(ctx context.Context) error {
		loud, err := p.Stream(ctx)
		require.NoError(t, err)
		defer func() { _ = loud.Close() }() // Pulse has closed it
		if err := loud.Send(strings.Repeat("x", 4<<20)); err != nil {
			return nil //nolint:nilerr // it was cut off while it sent
		}
		for {
			if _, err := loud.Next(ctx); err != nil {
				if ctx.Err() != nil {
					return fmt.Errorf("it was let go on")
				}
				return nil //nolint:nilerr // it was cut off
			}
		}
	})
	require.Equal(t, http.StatusOK, s.ask(p, http.MethodGet, "/api/state", nil).Status)
}

// A client that closes the connection after its request still gets to know why a body was refused while it was sending.
func TestWhoeverSendsTooMuchIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir()})
	for _, size := range []int{70 << 10, 500 << 10} {
		for range 50 {
			reply := s.ask(p, http.MethodPost, "/api/config/nodes", bytes.Repeat([]byte(" "), size))
			require.Equal(t, http.StatusRequestEntityTooLarge, reply.Status)
		}
	}
}
