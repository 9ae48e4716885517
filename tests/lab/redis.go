package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// RedisOptions say how a Redis is started. The zero value but for Dir forgets everything when it ends, asks for no
// password and never evicts.
type RedisOptions struct {
	// Dir is the directory of its files; it must exist.
	Dir string
	// Keeps makes it keep its data in files, so that nothing it has confirmed is lost when it is killed and started
	// again.
	Keeps bool
	// Password is what clients must give; empty lets everyone in.
	Password string
	// Eviction is its maxmemory-policy, as "allkeys-lru"; empty is noeviction.
	Eviction string
}

// configuration is what redis-server reads from its standard input.
func (o RedisOptions) configuration(port int) string {
	lines := []string{
		"bind 127.0.0.1", "port " + strconv.Itoa(port), "dir " + strconv.Quote(o.Dir), `save ""`, "daemonize no",
	}
	if o.Keeps {
		lines = append(lines, "appendonly yes")
	}
	if o.Password != "" {
		lines = append(lines, "requirepass "+strconv.Quote(o.Password))
	}
	if o.Eviction != "" {
		lines = append(lines, "maxmemory 1gb", "maxmemory-policy "+o.Eviction)
	}
	return strings.Join(lines, "\n") + "\n"
}

// Redis is a redis-server that runs, or ran, at an address that stays its own.
type Redis struct {
	options RedisOptions
	port    int

	mu      sync.Mutex
	process *Process
}

// StartRedis starts a redis-server of this machine on a free port of 127.0.0.1 and returns when it takes connections.
// It ends with ctx.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	o.Dir = dir
	const tries = 20 // another program may take the port first
	for range tries {
		r := &Redis{options: o, port: freePort(ctx)}
		if err = r.Start(ctx); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return r, err
		}
	}
	return nil, err
}

// freePort returns a port below those that the system gives to connections, so that it stays free while the server that
// has it is away.
func freePort(ctx context.Context) int {
	const lowest, count = 15_000, 15_000
	var listening net.ListenConfig
	for {
		port := lowest + rand.IntN(count) //nolint:gosec // guards nothing
		l, err := listening.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close() // nobody connected
			return port
		}
		if ctx.Err() != nil {
			return port
		}
	}
}

// Start starts it again, at the same address and with the same directory, after it has ended.
func (r *Redis) Start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "redis-server", "-")
	cmd.Stdin = strings.NewReader(r.options.configuration(r.port)) // not an argument: those can be read by everyone
	out := &output{look: regexp.MustCompile(`(Ready to accept connections)`), found: make(chan string, 1)}
	cmd.Stdout = out
	p, err := startInto(cmd, out)
	if err != nil {
		return err
	}
	select {
	case <-out.found:
	case <-p.ended:
		return p.failure(errors.Join(errors.New("it ended before it was ready"), p.err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
	return nil
}

// Process is the process that was started last.
func (r *Redis) Process() *Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// Address is where it listens, as 127.0.0.1:16379.
func (r *Redis) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// Dir is the directory of its files.
func (r *Redis) Dir() string { return r.options.Dir }

// URL is its address for PULSE_STORE, with the password.
func (r *Redis) URL() string { return r.URLAt(r.Address()) }

// URLAt is URL with another address, as that of a [Proxy] before it.
func (r *Redis) URLAt(address string) string {
	u := url.URL{Scheme: "redis", Host: address, Path: "/0"}
	if r.options.Password != "" {
		u.User = url.UserPassword("", r.options.Password)
	}
	return u.String()
}

// Stop ends it in order.
func (r *Redis) Stop(ctx context.Context) error { return r.Process().Stop(ctx) }

// Kill ends it at once.
func (r *Redis) Kill() { r.Process().Kill() }

// Pause stops it in the middle of what it does: connections stay, and nothing is answered until [Redis.Resume].
func (r *Redis) Pause() error { return r.Process().Signal(syscall.SIGSTOP) }

// Resume lets it go on after [Redis.Pause].
func (r *Redis) Resume() error { return r.Process().Signal(syscall.SIGCONT) }

// Do sends a command and returns the answer, as [ReadRESP] does. A failure that Redis answers is a [RedisError].
func (r *Redis) Do(ctx context.Context, args ...string) (any, error) {
	var commands [][]string
	if r.options.Password != "" {
		commands = append(commands, []string{"AUTH", r.options.Password})
	}
	answer, err := exchange(ctx, r.Address(), append(commands, args)...)
	if err != nil {
		return nil, fmt.Errorf("redis %s: %w", args[0], err)
	}
	return answer, nil
}

// Flush removes everything that it holds.
func (r *Redis) Flush(ctx context.Context) error {
	_, err := r.Do(ctx, "FLUSHALL")
	return err
}

// CutClients closes the connections of all clients.
func (r *Redis) CutClients(ctx context.Context) error {
	for _, kind := range []string{"normal", "pubsub"} {
		if _, err := r.Do(ctx, "CLIENT", "KILL", "TYPE", kind); err != nil {
			return err
		}
	}
	return nil
}
