package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a redis-server of a test.
type server struct {
	address string
	dir     string
	args    []string
	cmd     *exec.Cmd
	reading sync.WaitGroup // what the server says
}

// startServer starts a server that ends with the test; args are further settings, as "--appendonly", "yes".
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	s, err := launch(tb.TempDir(), args...)
	require.NoError(tb, err)
	tb.Cleanup(s.kill)
	return s
}

// launch starts a server on a free port.
func launch(dir string, args ...string) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{address: listener.Addr().String(), dir: dir, args: args}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	return s, s.start()
}

// start starts the server, again if it was ended before, and waits until it says that it takes connections.
func (s *server) start() error {
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	args := append([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no", "--databases", "4000",
	}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); said.WriteString(lines.Text() + "\n") {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			s.reading.Go(func() { _, _ = io.Copy(io.Discard, output) }) // ends with the server
			return nil
		}
	}
	return fmt.Errorf("redis-server did not start:\n%s%w", said.String(), s.cmd.Wait())
}

// kill ends the server at once.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGKILL) // it may have ended by itself
		s.reading.Wait()
		_ = s.cmd.Wait() // killed
	}
}

// url names a database of the server.
func (s *server) url(database int) string {
	return "redis://" + s.address + "/" + strconv.Itoa(database)
}

// admin is a client beside the stores.
func (s *server) admin(tb testing.TB, database int) *redis.Client {
	tb.Helper()
	options, err := redis.ParseURL(s.url(database))
	require.NoError(tb, err)
	options.Protocol = 2
	client := redis.NewClient(options)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	return client
}

// sharedServer is the one on which most tests have a database each.
type sharedServer struct {
	once     sync.Once
	server   *server
	err      error
	database atomic.Int64
}

var shared = &sharedServer{}

// newDatabase gives an empty database of the shared server.
func newDatabase(tb testing.TB) (*server, int) {
	tb.Helper()
	shared.once.Do(func() {
		var dir string
		if dir, shared.err = os.MkdirTemp("", "pulse-redis-"); shared.err == nil {
			shared.server, shared.err = launch(dir)
		}
	})
	require.NoError(tb, shared.err)
	return shared.server, int(shared.database.Add(1))
}

func (s *sharedServer) stop() {
	if s.server != nil {
		s.server.kill()
		_ = os.RemoveAll(s.server.dir) // nothing depends on it
	}
}

// openStore opens a store that is closed with the test.
func openStore(tb testing.TB, url string) *Store {
	tb.Helper()
	s, err := Open(context.WithoutCancel(tb.Context()), url)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}
