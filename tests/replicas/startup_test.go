package replicas

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestWhatIsInTheWayOfSharingIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.ready(f.start(0, nil)) // what is stored is sealed from now on
	way := labtest.Proxy(t, lab.ProxyOptions{Target: f.redis.Address()})
	way.Hold()
	evicting := labtest.Redis(t, lab.RedisOptions{Password: redisPassword, Eviction: "allkeys-lru"})
	address := f.redis.Address()
	before, err := f.redis.Do(t.Context(), "DBSIZE")
	require.NoError(t, err)
	for _, tt := range []struct {
		name     string
		settings map[string]string
		says     []string
	}{
		{"a wrong password", map[string]string{"PULSE_STORE": "redis://:plugh-not-frotz@" + address + "/0"}, []string{address, "password"}},
		{"no password", map[string]string{"PULSE_STORE": "redis://" + address + "/0"}, []string{address, "password"}},
		{"an unknown user", map[string]string{"PULSE_STORE": "redis://nobody:" + redisPassword + "@" + address + "/0"}, []string{address, "password"}},
		{"a Redis older than 7", map[string]string{"PULSE_STORE": f.redis.URLAt(oldRedis(t))}, []string{"6.2.14", "7"}},
		{"a Redis that evicts", map[string]string{"PULSE_STORE": evicting.URL()}, []string{"maxmemory-policy", "allkeys-lru", "noeviction"}},
		{"another encryption key", map[string]string{"PULSE_ENCRYPTION_KEY": config.NewKey().Encode()}, []string{"encryption key", "nothing was changed", "PULSE_ENCRYPTION_KEY_PREVIOUS"}},
		{"no encryption key", map[string]string{"PULSE_ENCRYPTION_KEY": ""}, []string{"PULSE_ENCRYPTION_KEY"}},
		{"an unknown role", map[string]string{"PULSE_ROLE": "leader"}, []string{"PULSE_ROLE", "all", "api", "poller"}},
		{"nothing that listens", map[string]string{"PULSE_STORE": f.redis.URLAt("127.0.0.1:1")}, []string{"127.0.0.1:1", "connection refused"}},
		{"a network that passes nothing on", map[string]string{"PULSE_STORE": f.redis.URLAt(way.Address())}, []string{way.Address()}},
		{"TLS where there is none", map[string]string{"PULSE_STORE": strings.Replace(f.redis.URL(), "redis:", "rediss:", 1)}, []string{address}},
		{"an address that is none", map[string]string{"PULSE_STORE": "redis://:" + redisPassword + "@" + address + ":1/0"}, []string{"PULSE_STORE"}},
		{"a database that is none", map[string]string{"PULSE_STORE": "redis://:" + redisPassword + "@" + address + "/ten"}, []string{"database"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f.refusesToStart(t, f.options(tt.settings), tt.says...)
		})
	}
	t.Cleanup(func() { // runs after the parallel parts
		after, err := f.redis.Do(context.WithoutCancel(t.Context()), "DBSIZE")
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

// refusesToStart runs Pulse and holds it to end with code 1 after one line that says what is wrong and holds no secret.
func (f *fleet) refusesToStart(t *testing.T, o lab.PulseOptions, says ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), built[0].Pulse)
	o.Env["LOG_LEVEL"] = "error"
	for name, value := range o.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, stderr.String())
	require.Equal(t, 1, exit.ExitCode(), stderr.String())
	text := stderr.String()
	require.Equal(t, 1, strings.Count(text, "\n"), text)
	require.True(t, strings.HasPrefix(text, "pulse: "), text)
	for _, part := range says {
		require.Contains(t, text, part)
	}
	for _, secret := range append(f.secrets(), "plugh-not-frotz", o.Env["PULSE_ENCRYPTION_KEY"]) {
		if secret != "" {
			require.NotContains(t, text, secret)
		}
	}
}

// oldRedis answers as a Redis of version 6.2 does when it is greeted; it returns its address.
func oldRedis(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				answerAsOld(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func answerAsOld(conn net.Conn) {
	const info = "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\nmaxmemory_policy:noeviction\r\n"
	in := bufio.NewReader(conn)
	for {
		value, err := lab.ReadRESP(in)
		command, ok := value.([]any)
		if err != nil || !ok || len(command) == 0 {
			return
		}
		answer := "+OK\r\n"
		switch name, _ := command[0].(string); strings.ToUpper(name) {
		case "HELLO":
			answer = "-ERR unknown command 'HELLO'\r\n" // and so no newer protocol
		case "PING":
			answer = "+PONG\r\n"
		case "INFO":
			answer = fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}
