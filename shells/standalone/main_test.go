package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/shells"
)

// asProgram makes the test binary be the program itself, for what only a process of its own can show.
const asProgram = "PULSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

// program is a run of the whole program within the test.
type program struct {
	t      *testing.T
	url    string // where it listens
	stop   context.CancelFunc
	code   chan int
	stdout *bytes.Buffer // to be read after end only

	mu     sync.Mutex
	stderr bytes.Buffer
}

// begin runs the program and waits until it listens.
func begin(t *testing.T, e env, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{t: t, stop: cancel, code: make(chan int, 1), stdout: &bytes.Buffer{}}
	lines, stderr := io.Pipe()
	listening := make(chan string, 1)
	var wg sync.WaitGroup
	wg.Go(func() { p.follow(lines, listening) })
	wg.Go(func() {
		p.code <- run(ctx, args, e.get, p.stdout, stderr)
		_ = stderr.Close()
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	select {
	case p.url = <-listening:
	case code := <-p.code:
		wg.Wait()
		require.FailNow(t, "the program ended", "exit code %d: %s", code, p.stderr.String())
	}
	return p
}

// follow keeps what the program logs and tells where it listens.
func (p *program) follow(lines io.Reader, listening chan<- string) {
	find := regexp.MustCompile(`msg=listening .*url=(\S+)`)
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		p.mu.Lock()
		p.stderr.WriteString(scanner.Text() + "\n")
		p.mu.Unlock()
		if found := find.FindStringSubmatch(scanner.Text()); found != nil {
			listening <- found[1]
		}
	}
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// end ends the program as a signal would and returns its exit code.
func (p *program) end() int {
	p.stop()
	return <-p.code
}

// get reads a path and returns the status and the body.
func (p *program) get(path string) (int, string) {
	p.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	require.NoError(p.t, err)
	reply, err := transport.RoundTrip(req)
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, reply.Body.Close()) }()
	body, err := io.ReadAll(reply.Body)
	require.NoError(p.t, err)
	return reply.StatusCode, string(body)
}

func TestDemoShowsAnEstateAndEndsInOrder(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	manager, socket := serviceManager(t)
	p := begin(t, env{"HOME": home, "PULSE_DATA_DIR": home, "NOTIFY_SOCKET": socket, "PULSE_STORE": "sqlite:"},
		"--demo", "--listen", "127.0.0.1:0")
	require.Equal(t, "READY=1", told(t, manager))
	require.Eventually(t, func() bool {
		code, _ := p.get("/api/ready")
		return code == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
	_, state := p.get("/api/state")
	for _, name := range []string{"home-assistant", "minecraft", "vault"} {
		require.Contains(t, state, name)
	}
	require.Zero(t, p.end())
	require.Equal(t, "STOPPING=1", told(t, manager))

	left, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, left, "a demonstration keeps nothing")
	require.Contains(t, p.stdout.String(), "curl "+p.url+"/api/state")
	require.Regexp(t, `curl -k -X POST -H 'Authorization: PVEAPIToken=root@pam!\S+=\S+' \\\n +https://\S+/status/stop`, p.stdout.String())
	require.Contains(t, p.logged(), "the API is open")
	require.Contains(t, p.logged(), "msg=stopped")
	token := regexp.MustCompile(`PVEAPIToken=\S+?=([^']+)`).FindStringSubmatch(p.stdout.String())
	require.NotContains(t, p.logged(), token[1])
}

func TestDataOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := env{"PULSE_DATA_DIR": dir, "PORT": "127.0.0.1:0"}
	first := begin(t, e)
	require.Contains(t, first.logged(), filepath.Join(dir, "pulse.db"))
	post(t, first.url+"/api/config/nodes",
		`{"type":"pve","name":"home","host":"https://127.0.0.1:1","user":"monitor@pve","password":"hunter2"}`)
	require.Zero(t, first.end())

	second := begin(t, e)
	_, nodes := second.get("/api/config/nodes")
	require.Contains(t, nodes, `"name":"home"`)
	require.Zero(t, second.end())
	require.NotContains(t, first.logged()+second.logged(), "hunter2")
	for _, name := range []string{"pulse.db", "pulse.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		require.NotContains(t, string(content), "hunter2", name)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	reply, err := transport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Less(t, reply.StatusCode, 300)
}

// fails runs the program to its end and returns the exit code and what it said.
func fails(t *testing.T, e env, args ...string) (code int, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, e.get, &stdout, &stderr)
	require.Empty(t, stdout.String())
	return code, stderr.String()
}

func TestWhatStopsTheStartIsOneSentence(t *testing.T) {
	t.Parallel()
	taken := begin(t, env{"PULSE_STORE": "memory:"}, "--listen", "127.0.0.1:0")
	address := strings.TrimPrefix(taken.url, "http://")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, tt := range []struct {
		name string
		env  env
		args []string
		code int
		want string
	}{
		{"unknown flag", env{}, []string{"--lisen", "1"}, 2, "pulse: unknown flag --lisen, did you mean \"--listen\"?; --help lists the flags\n"},
		{"unknown store", env{}, []string{"--store", "mysql://x"}, 1, "pulse: PULSE_STORE (--store): is not a store that this program has; it has memory:, redis:, rediss:, sqlite:\n"},
		{"a role alone", env{"PULSE_STORE": "memory:"}, []string{"--role", "api"}, 1, "pulse: PULSE_ROLE (--role): want all, since no other process shares this store; processes share what PULSE_STORE names as redis:, rediss:\n"},
		{"unknown role", env{"PULSE_STORE": "memory:", "PULSE_ROLE": "leader"}, nil, 1, "pulse: PULSE_ROLE (--role): want all, api or poller\n"},
		{"no key for Redis", env{"PULSE_STORE": "redis://127.0.0.1:1"}, nil, 1, "pulse: PULSE_ENCRYPTION_KEY: is required, since there is no file beside this store to keep a key in\n"},
		{"bad settings", env{"PULSE_STORE": "memory:", "LOG_LEVEL": "x"}, []string{"--listen=x"}, 1, "pulse: PORT (--listen): want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655\npulse: LOG_LEVEL (--log-level): want debug, info, warn or error\n"},
		{"a bad setting of a demonstration", env{"PORT": "x"}, []string{"--demo"}, 1, "pulse: PORT (--listen): want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655\n"},
		{"port in use", env{"PULSE_STORE": "memory:"}, []string{"--listen", address}, 1, "pulse: cannot listen on " + address + ": bind: address already in use\n"},
		{"no such certificate", env{"PULSE_STORE": "memory:", "PORT": "127.0.0.1:0", "PULSE_TLS_CERT": file + "/c", "PULSE_TLS_KEY": file}, nil, 1, "pulse: cannot read the TLS certificate: stat " + file + "/c: not a directory\n"},
		{"no directory", env{"PULSE_DATA_DIR": file}, nil, 1, "pulse: cannot make the data directory: mkdir " + file + ": not a directory\n"},
	} {
		code, said := fails(t, tt.env, tt.args...)
		require.Equal(t, tt.code, code, tt.name)
		require.Equal(t, tt.want, said, tt.name)
	}
}

func TestKeyThatDoesNotFitStopsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := env{"PULSE_DATA_DIR": dir, "PORT": "127.0.0.1:0"}
	require.Zero(t, begin(t, e).end())
	e = maps.Clone(e)
	e["PULSE_ENCRYPTION_KEY"] = config.NewKey().Encode()
	code, said := fails(t, e)
	require.Equal(t, 1, code)
	require.Equal(t, "pulse: the encryption key (PULSE_ENCRYPTION_KEY) does not open what is stored in "+
		filepath.Join(dir, "pulse.db")+"; nothing was changed. "+
		"Put the former key back, or give it in PULSE_ENCRYPTION_KEY_PREVIOUS\n", said)
}

func TestHealthAsksTheRunningProgram(t *testing.T) {
	t.Parallel()
	cert, key := pemFiles(t, t.TempDir(), "first")
	for _, e := range []env{
		{"PULSE_STORE": "memory:"},
		{"PULSE_STORE": "memory:", "API_TOKEN": "t", "PULSE_TLS_CERT": cert, "PULSE_TLS_KEY": key},
	} {
		p := begin(t, e, "--listen", "127.0.0.1:0")
		_, address, _ := strings.Cut(p.url, "://")
		e = maps.Clone(e)
		e["PORT"] = address
		code, said := fails(t, e, "--health")
		require.Zero(t, code, said)
		require.Zero(t, p.end())
		code, said = fails(t, e, "--health")
		require.Equal(t, 1, code)
		require.Contains(t, said, "pulse: not healthy: ")
	}
}

func TestHealthIsAnsweredWhereAPublicNameIsListenedOn(t *testing.T) {
	t.Parallel()
	e := env{"PULSE_STORE": "memory:", "PORT": "pulse.example.com:7655"}
	p, err := shells.Open(t.Context(), e.get, shells.Parts{Stores: stores(), Version: build(), Log: io.Discard})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	req, err := healthRequest(t.Context(), p.Listen)
	require.NoError(t, err)
	require.Equal(t, "http://pulse.example.com:7655/api/health", req.URL.String())
	w := httptest.NewRecorder()
	p.API.ServeHTTP(w, req)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--version"}, env{}.get, &stdout, &stderr))
	require.Regexp(t, `^pulse \S+\n$`, stdout.String())
	require.Empty(t, stderr.String())
}

// serviceManager is a socket that the program notifies.
func serviceManager(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pulse") // names of sockets are short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	path := filepath.Join(dir, "notify")
	return managerAt(t, path), path
}

func managerAt(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: address})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

// told is the next message that a service manager gets.
func told(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	var message [256]byte
	n, err := manager.Read(message[:])
	require.NoError(t, err)
	return string(message[:n])
}
