package sim_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// serve starts an estate on sockets.
func serve(t *testing.T, cfg sim.Config) *sim.Estate {
	t.Helper()
	estate, err := sim.New(cfg)
	require.NoError(t, err)
	require.NoError(t, estate.Start(t.Context()))
	t.Cleanup(estate.Stop)
	return estate
}

// dial opens a TLS connection without verification.
func dial(t *testing.T, estate *sim.Estate, url string) *tls.Conn {
	t.Helper()
	conn, err := tryDial(t, estate, url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func tryDial(t *testing.T, estate *sim.Estate, url string) (*tls.Conn, error) {
	t.Helper()
	raw, err := estate.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "https://"))
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// exchange sends raw text and reads one reply, head first.
func exchange(t *testing.T, conn io.ReadWriter, reader *bufio.Reader, text string) (head string, response *http.Response) {
	t.Helper()
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	var lines strings.Builder
	for {
		line, err := reader.ReadString('\n')
		require.NoError(t, err)
		lines.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	full := bufio.NewReader(io.MultiReader(strings.NewReader(lines.String()), reader))
	response, err = http.ReadResponse(full, nil)
	require.NoError(t, err)
	if response.ContentLength > 0 {
		body := make([]byte, response.ContentLength)
		_, err = io.ReadFull(full, body)
		require.NoError(t, err)
	}
	return lines.String(), response
}

func TestHeadersOverTheWire(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	conn := dial(t, estate, home.URL())
	reader := bufio.NewReader(conn)
	auth := "Authorization: " + token(home.Credentials[sim.Auditor]) + "\r\nHost: x\r\n"

	head, _ := exchange(t, conn, reader, "GET /api2/json/version HTTP/1.1\r\n"+auth+"\r\n")
	require.Regexp(t, `^HTTP/1\.1 200 OK\r\n`+
		`Cache-Control: max-age=0\r\nConnection: Keep-Alive\r\nDate: [^\r]+ GMT\r\nPragma: no-cache\r\nServer: pve-api-daemon/3\.0\r\n`+
		`Content-Length: 73\r\nContent-Type: application/json;charset=UTF-8\r\nExpires: [^\r]+ GMT\r\n\r\n$`, head)

	head, _ = exchange(t, conn, reader, "GET /api2/json/cluster/status HTTP/1.1\r\n"+auth+"\r\n")
	require.Contains(t, head, "\r\nConnection: close\r\nConnection: Keep-Alive\r\n", "passed on by the privileged daemon")

	head, response := exchange(t, conn, reader, "GET /api2/json/cluster/resources HTTP/1.1\r\n"+auth+"Accept-Encoding: gzip\r\n\r\n")
	require.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
	require.Less(t, response.ContentLength, int64(4000), head)

	head, _ = exchange(t, conn, reader, "GET /api2/json/nope HTTP/1.1\r\n"+auth+"\r\n")
	require.True(t, strings.HasPrefix(head, "HTTP/1.1 501 Method 'GET /nope' not implemented\r\n"), head)
	require.Contains(t, head, "Connection: close\r\n")
	_, err := reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

func TestConnectionEndsAfterAHundredRequests(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	conn := dial(t, estate, home.URL())
	reader := bufio.NewReader(conn)
	request := "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nAuthorization: " + token(home.Credentials[sim.Auditor]) + "\r\n\r\n"
	for n := range 100 {
		head, _ := exchange(t, conn, reader, request)
		require.Equal(t, n == 99, strings.Contains(head, "Connection: close"), n)
	}
	_, err := reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

func TestIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.InMemory = true
		estate := serve(t, cfg)
		conn := dial(t, estate, estate.Clusters()[0].URL())
		began := time.Now()
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 5*time.Second, time.Since(began))
		estate.Stop()
	})
}

func TestPlainHTTPIsRedirected(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	for _, url := range []string{estate.Clusters()[0].URL(), estate.BackupServers()[0].URL} {
		for method, status := range map[string]int{"GET": 301, "POST": 308} {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "https://"))
			require.NoError(t, err)
			_, response := exchange(t, conn, bufio.NewReader(conn), method+" /api2/json/version HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
			require.Equal(t, status, response.StatusCode)
			require.Equal(t, url+"/api2/json/version", response.Header.Get("Location"))
			require.NoError(t, conn.Close())
		}
	}
}

func TestMalformedRequestsOnlyEndTheirConnection(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	conn := dial(t, estate, home.URL())
	_, err := io.WriteString(conn, "nonsense\r\n\r\n")
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)

	conn = dial(t, estate, home.URL())
	_, response := exchange(t, conn, bufio.NewReader(conn),
		"POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	require.Equal(t, 501, response.StatusCode)
}

// leaf is the certificate that a server shows.
func leaf(t *testing.T, estate *sim.Estate, url string) *x509.Certificate {
	t.Helper()
	return dial(t, estate, url).ConnectionState().PeerCertificates[0]
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(home.CA)))
	check := func(c *x509.Certificate) error {
		_, err := c.Verify(x509.VerifyOptions{Roots: roots, DNSName: "127.17.1.2"})
		return err
	}
	first := leaf(t, estate, home.Nodes[1].URL)
	require.NoError(t, check(first))
	require.Equal(t, strings.ReplaceAll(home.Nodes[1].Fingerprint, ":", ""), fingerprint(first))
	require.NotEqual(t, fingerprint(first), fingerprint(leaf(t, estate, home.Nodes[0].URL)))

	require.NoError(t, estate.RenewCertificate("home", "birch"))
	second := leaf(t, estate, home.Nodes[1].URL)
	require.NoError(t, check(second))
	require.NotEqual(t, fingerprint(first), fingerprint(second))

	require.NoError(t, estate.ReplaceCertificate("home", "birch"))
	third := leaf(t, estate, home.Nodes[1].URL)
	require.Error(t, check(third))
	require.Equal(t, strings.ReplaceAll(estate.Clusters()[0].Nodes[1].Fingerprint, ":", ""), fingerprint(third))

	vault := estate.BackupServers()[0]
	before := leaf(t, estate, vault.URL)
	require.NoError(t, estate.ReplacePBSCertificate("vault"))
	require.NotEqual(t, fingerprint(before), fingerprint(leaf(t, estate, vault.URL)))
}

func TestServersGoAndComeBackOnTheirAddress(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	open := dial(t, estate, home.Nodes[2].URL)
	require.NoError(t, estate.NodeDown("home", "cedar"))
	_, err := open.Read(make([]byte, 1))
	require.Error(t, err, "connections break")
	_, err = tryDial(t, estate, home.Nodes[2].URL)
	require.ErrorContains(t, err, "connection refused")
	dial(t, estate, home.Nodes[0].URL)
	require.NoError(t, estate.NodeUp("home", "cedar"))
	dial(t, estate, home.Nodes[2].URL)

	vault := estate.BackupServers()[0]
	require.NoError(t, estate.PBSDown("vault"))
	_, err = tryDial(t, estate, vault.URL)
	require.ErrorContains(t, err, "connection refused")
	require.NoError(t, estate.PBSUp("vault"))
	require.NoError(t, estate.PBSUp("vault"), "twice does no harm")
	dial(t, estate, vault.URL)
}

func TestMembersShareAPort(t *testing.T) {
	t.Parallel()
	estate := serve(t, sim.Config{Clusters: 3, NodesPerCluster: 4, Guests: 12})
	seen := map[string]bool{}
	for _, c := range estate.Clusters() {
		for _, n := range c.Nodes {
			require.Equal(t, c.Nodes[0].Port, n.Port)
			require.False(t, seen[n.Address])
			seen[n.Address] = true
			dial(t, estate, n.URL)
		}
	}
}

func TestStoppedEstateStartsAgainOnItsPorts(t *testing.T) {
	t.Parallel()
	estate, err := sim.New(demo())
	require.NoError(t, err)
	require.NoError(t, estate.NodeDown("home", "cedar"), "a fault before the start")
	require.NoError(t, estate.Start(t.Context()))
	require.Error(t, estate.Start(t.Context()), "it runs")
	url := estate.Clusters()[0].URL()
	_, err = tryDial(t, estate, estate.Clusters()[0].Nodes[2].URL)
	require.Error(t, err)
	estate.Stop()
	estate.Stop()
	_, err = tryDial(t, estate, url)
	require.Error(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- estate.Run(ctx) }()
	require.Eventually(t, func() bool {
		conn, err := tryDial(t, estate, url)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, url, estate.Clusters()[0].URL())
}

// TestClientOverMemory runs the standard library's client, TLS included, in a
// bubble of fake time.
func TestClientOverMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.InMemory, cfg.TaskDuration = true, time.Second
		estate := serve(t, cfg)
		home := estate.Clusters()[0]
		require.Equal(t, "https://127.17.1.1:8006", home.URL())
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM([]byte(home.CA)))
		client := &http.Client{Timeout: 8 * time.Second, Transport: &http.Transport{
			DialContext: estate.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots}, IdleConnTimeout: 4 * time.Second,
		}}
		get := func(url string) (*http.Response, error) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", token(home.Credentials[sim.Auditor]))
			return client.Do(r)
		}
		for range 5 {
			response, err := get(home.URL() + "/api2/json/cluster/resources")
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			require.True(t, response.Uncompressed, "gzip")
			require.NoError(t, response.Body.Close())
			time.Sleep(10 * time.Second)
		}
		require.NoError(t, estate.NodeHang("home", "alder", true))
		_, err := get(home.URL() + "/api2/json/version")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, os.IsTimeout(err))
		require.NoError(t, estate.NodeDown("home", "birch"))
		_, err = get(home.Nodes[1].URL + "/api2/json/version")
		require.ErrorContains(t, err, "connection refused")
		client.CloseIdleConnections()
		estate.Stop()
	})
}

func TestGzippedBodyIsTheSame(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	plain := b.get("home", sim.Auditor, "/cluster/resources")
	c := b.clusterNamed("home")
	packed := b.do(http.MethodGet, c.URL()+"/api2/json/cluster/resources", token(c.Credentials[sim.Admin]), "",
		func(r *http.Request) { r.Header.Set("Accept-Encoding", "deflate, gzip;q=1.0") })
	require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"))
	reader, err := gzip.NewReader(strings.NewReader(packed.body))
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, plain.body, string(text))
	small := b.do(http.MethodGet, c.URL()+"/api2/json/version", token(c.Credentials[sim.Admin]), "",
		func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") })
	require.Empty(t, small.Header.Get("Content-Encoding"))
}
