package proxmox

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnlyACloseThatWasPassedOnIsDropped(t *testing.T) {
	t.Parallel()
	const body = "\r\n\r\n{\"data\":\"\r\nConnection: close\r\nConnection: Keep-Alive\r\n\r\n\"}"
	for name, tt := range map[string]struct{ reply, want string }{
		"passed on": {
			"HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nConnection: close\r\nConnection: Keep-Alive\r\nDate: x" + body,
			"HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nConnection: Keep-Alive\r\nDate: x" + body,
		},
		"passed on twice": {
			"HTTP/1.1 200 OK\r\nConnection: close,Keep-Alive\r\nConnection: Keep-Alive" + body,
			"HTTP/1.1 200 OK\r\nConnection: Keep-Alive" + body,
		},
		"meant so":            {"HTTP/1.1 200 OK\r\nConnection: close\r\nDate: x" + body, ""},
		"in the other order":  {"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nConnection: close" + body, ""},
		"apart":               {"HTTP/1.1 200 OK\r\nConnection: close\r\nDate: x\r\nConnection: Keep-Alive" + body, ""},
		"only in the body":    {"HTTP/1.1 200 OK\r\nDate: x" + body, ""},
		"header in two parts": {"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: Keep-Alive\r\nDa", ""},
		"no reply":            {"\r\nConnection: close\r\nConnection: Keep-Alive" + body, ""},
		"nothing":             {"", ""},
	} {
		data := []byte(tt.reply)
		if tt.want == "" {
			tt.want = tt.reply
		}
		require.Equal(t, tt.want, string(data[:dropPassedOnClose(data)]), name)
	}
}

// daemonReply is a reply as a PVE member passes it on from a daemon behind it.
func daemonReply(connection string) string {
	return "HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\n" + connection +
		fmt.Sprintf("Content-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n", len(versionBody)) + versionBody
}

// rawServer answers every request on a connection with the same bytes and counts the connections.
func rawServer(t *testing.T, reply string) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the client has what it wants
		connections.Add(1)
		answer(conn, buf, reply)
	}))
	return s, &connections
}

func answer(conn net.Conn, buf *bufio.ReadWriter, reply string) {
	for {
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := http.ReadRequest(buf.Reader); err != nil {
			return
		}
	}
}

func TestConnectionOutlivesRepliesFromBehindTheProxy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, connection string
		want             int64
	}{
		{"passed on", "Connection: close\r\nConnection: Keep-Alive\r\n", 1},
		{"the member's own", "Connection: Keep-Alive\r\n", 1},
		{"meant so", "Connection: close\r\n", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, connections := rawServer(t, daemonReply(tt.connection))
			c := newClient(t, s)
			for range 3 {
				version, _, err := c.Version(t.Context())
				require.NoError(t, err)
				require.Equal(t, "9.2.11", version.Version)
			}
			require.Equal(t, tt.want, connections.Load())
			c.Close()
		})
	}
}

func TestRecordedRepliesFromBehindTheProxyKeepTheirConnection(t *testing.T) {
	t.Parallel()
	kept := 0
	for _, r := range recordings(t) {
		header := strings.Join(r.Headers, "\r\n")
		passedOn := strings.Contains(header, "Connection: close") && // by itself, or in one line with Keep-Alive
			strings.Contains(header, "Connection: Keep-Alive")
		data := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n%s\r\n\r\n", r.Status, r.Reason, header)
		left := string(data[:dropPassedOnClose(data)])
		if passedOn {
			kept++
			require.NotContains(t, left, "Connection: close", r.Path)
		} else {
			require.Len(t, left, len(data), r.Path)
		}
	}
	require.Positive(t, kept)
}
