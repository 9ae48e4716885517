package redisstore

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// secret is what no error may hold.
const secret = "hunter2/with:odd@chars"

const secretInURL = "hunter2%2Fwith%3Aodd%40chars"

// requireRefused checks that Open fails with one sentence that says all of the parts.
func requireRefused(tb testing.TB, url string, says ...string) {
	tb.Helper()
	s, err := Open(tb.Context(), url)
	if err == nil {
		require.NoError(tb, s.Close())
		require.Fail(tb, "the store was opened")
	}
	for _, part := range says {
		require.ErrorContains(tb, err, part)
	}
	require.NotContains(tb, err.Error(), secret)
	require.NotContains(tb, err.Error(), secretInURL)
	require.NotContains(tb, err.Error(), "\n")
}

func TestPasswordsAndUsers(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--requirepass", secret)
	at := server.address
	requireRefused(t, "redis://"+at, at, "password")
	requireRefused(t, "redis://:wrong@"+at, at, "password")
	requireRefused(t, "redis://nobody:"+secretInURL+"@"+at, at, "password")
	s := openStore(t, "redis://:"+secretInURL+"@"+at+"/2")
	put(t, s, "g", "a", "1")

	admin := server.adminAs(t, secret)
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "pulse", "on", ">"+secret, "~pulse:*", "&pulse:*", "+@all", "-@admin").Err())
	limited := openStore(t, "redis://pulse:"+secretInURL+"@"+at+"/2")
	requireValue(t, limited, "g", "a", "1")
	put(t, limited, "g", "a", "2")
	hints, err := limited.Subscribe(t.Context())
	require.NoError(t, err)
	h := store.Hint{Group: "g", Rev: store.Revision{Epoch: 1, N: 1}}
	require.NoError(t, limited.Publish(t.Context(), h))
	awaitHint(t, hints, h)

	for name, rights := range map[string][]string{
		"reader":     {"~pulse:*", "&pulse:*", "+@all", "-@write", "-@admin"},
		"neighbour":  {"~other:*", "&pulse:*", "+@all", "-@admin"},
		"mute":       {"~pulse:*", "resetchannels", "+@all", "-@admin"},
		"scriptless": {"~pulse:*", "&pulse:*", "+@all", "-@admin", "-@scripting"},
	} {
		args := []any{"ACL", "SETUSER", name, "on", ">" + secret}
		for _, right := range rights {
			args = append(args, right)
		}
		require.NoError(t, admin.Do(t.Context(), args...).Err())
		requireRefused(t, "redis://"+name+":"+secretInURL+"@"+at, at, "NOPERM")
	}
}

func TestOpenRefusesServersThatCannotKeepAStore(t *testing.T) {
	t.Parallel()
	nobody := startServer(t)
	nobody.kill()
	requireRefused(t, nobody.url(0), nobody.address, "cannot be reached")

	for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
		evicting := startServer(t, "--maxmemory", "50mb", "--maxmemory-policy", policy)
		requireRefused(t, evicting.url(0), evicting.address, policy, "noeviction")
	}
	primary := startServer(t)
	_, port, err := net.SplitHostPort(primary.address)
	require.NoError(t, err)
	replica := startServer(t, "--replicaof", "127.0.0.1", port)
	requireRefused(t, replica.url(0), replica.address, "read-only replica")
	cluster := startServer(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t)))
	requireRefused(t, cluster.url(0), cluster.address, "luster")
	requireRefused(t, primary.url(60_000), primary.address, "database")
}

func freePort(tb testing.TB) int {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, listener.Close())
	return listener.Addr().(*net.TCPAddr).Port
}

// pretend answers INFO with what it is told and refuses all other commands, as a server would that is not there to test.
func pretend(tb testing.TB, info, refusal string) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				answer(c, info, refusal)
				_ = c.Close() // the client went away
			})
		}
	})
	tb.Cleanup(func() {
		require.NoError(tb, listener.Close())
		running.Wait()
	})
	return listener.Addr().String()
}

func answer(c net.Conn, info, refusal string) {
	for r := bufio.NewReader(c); ; {
		words, err := readCommand(r)
		if err != nil {
			return
		}
		reply := "-" + refusal + "\r\n"
		if strings.EqualFold(words[0], "info") {
			reply = fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}

func readCommand(r *bufio.Reader) ([]string, error) {
	number := func(kind string) (int, error) {
		line, err := r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), kind))
	}
	count, err := number("*")
	if err != nil {
		return nil, err
	}
	words := make([]string, count)
	for i := range words {
		size, err := number("$")
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:size])
	}
	return words, nil
}

func TestOpenTellsAnOldRedisAndOneThatLoads(t *testing.T) {
	t.Parallel()
	old := pretend(t, "# Server\r\nredis_version:6.2.14\r\nrole:master\r\n", "ERR unknown command")
	requireRefused(t, "redis://"+old, old, "6.2.14", "7.0")
	ancient := pretend(t, "redis_version:2.8.4\r\n", "ERR unknown command 'HELLO'")
	requireRefused(t, "redis://"+ancient, ancient, "2.8.4", "7.0")
	loading := pretend(t, "redis_version:7.0.15\r\nrole:master\r\nloading:1\r\n", "LOADING Redis is loading the dataset in memory")
	requireRefused(t, "redis://"+loading, loading, "loading")
}

// authority makes certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{dir: tb.TempDir()}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.issue(tb, "ca", template)
	return a
}

// issue writes NAME.crt and NAME.key.
func (a *authority) issue(tb testing.TB, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(tb, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	for ending, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		require.NoError(tb, os.WriteFile(a.file(name+ending), pem.EncodeToMemory(block), 0o600))
	}
	cert, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func TestTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue(t, "server", &x509.Certificate{DNSNames: []string{"redis.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	a.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	port := strconv.Itoa(freePort(t))
	startServer(t, "--tls-port", port, "--tls-cert-file", a.file("server.crt"), "--tls-key-file", a.file("server.key"),
		"--tls-ca-cert-file", a.file("ca.crt"), "--requirepass", secret)
	at := "127.0.0.1:" + port
	base := "rediss://:" + secretInURL + "@" + at + "/1"
	client := "&cert=" + a.file("client.crt") + "&key=" + a.file("client.key")
	name := "servername"

	requireRefused(t, "redis://:"+secretInURL+"@"+at, at)
	requireRefused(t, base, at, "certificate")
	requireRefused(t, base+"?ca="+a.file("ca.crt")+client, at, "certificate") // for another name
	requireRefused(t, base+"?ca="+a.file("ca.crt")+"&"+name+"=redis.test", at)
	requireRefused(t, base+"?ca="+a.file("absent.crt"), "absent.crt")
	requireRefused(t, base+"?ca="+a.file("ca.key"), "ca.key")
	requireRefused(t, base+"?cert="+a.file("client.crt"), "key")
	for _, query := range []string{"?ca=" + a.file("ca.crt") + "&" + name + "=redis.test" + client, "?insecure=true" + client} {
		s := openStore(t, base+query)
		put(t, s, "g", "a", query)
		requireValue(t, s, "g", "a", query)
		hints, err := s.Subscribe(t.Context())
		require.NoError(t, err)
		h := store.Hint{Group: "g", Rev: store.Revision{Epoch: 1, N: 1}}
		require.NoError(t, s.Publish(t.Context(), h))
		awaitHint(t, hints, h)
	}
}
