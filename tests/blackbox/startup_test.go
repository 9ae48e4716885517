package blackbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// usedDir is the data directory of a Pulse that has a node with a secret and has ended.
func usedDir(t *testing.T) string {
	t.Helper()
	s := newSite(t)
	dir := t.TempDir()
	p := s.start(lab.PulseOptions{Dir: dir})
	s.secret("hunter2-hunter2")
	s.add(p, map[string]any{"type": "pve", "name": "prod", "host": "127.0.0.1:1", "user": "a@pve", "password": "hunter2-hunter2"})
	require.NoError(t, p.Stop(t.Context()))
	return dir
}

func TestWhatIsInTheWayOfStartingIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = busy.Close() }) // nobody connects to it
	otherKey := config.NewKey().Encode()
	used := usedDir(t)
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		env   map[string]string
		says  []string
	}{
		{"another key in the environment", nil, map[string]string{"PULSE_ENCRYPTION_KEY": otherKey}, []string{"encryption key", "nothing was changed", "PULSE_ENCRYPTION_KEY_PREVIOUS"}},
		{"another key in the file", writes(".encryption.key", []byte(otherKey)), nil, []string{"encryption key", ".encryption.key", "nothing was changed"}},
		{"a damaged key file", writes(".encryption.key", []byte("c2hvcnQ=")), nil, []string{".encryption.key", "damaged", "nothing was changed"}},
		{"no key file", removes(".encryption.key"), nil, []string{".encryption.key is missing", "nothing was changed"}},
		{"text for a database", writes("pulse.db", []byte("this is no database, and never was one\n")), nil, []string{"pulse.db", "is not a Pulse store"}},
		{"a database with holes", overwrites("pulse.db", 4096), nil, []string{"pulse.db", "damaged"}},
		{"half a database", truncates("pulse.db"), nil, []string{"pulse.db"}},
		{"a directory for a database", replacesByDir("pulse.db"), nil, []string{"pulse.db"}},
		{"a file for a directory", nil, map[string]string{"PULSE_DATA_DIR": filepath.Join(used, "pulse.db")}, []string{"pulse.db"}},
		{"an unknown store", nil, map[string]string{"PULSE_STORE": "postgres://db/pulse"}, []string{"PULSE_STORE", "sqlite:", "memory:"}},
		{"a short key", nil, map[string]string{"PULSE_ENCRYPTION_KEY": "c2hvcnQ="}, []string{"PULSE_ENCRYPTION_KEY", "32 bytes"}},
		{"a key that is no key", nil, map[string]string{"PULSE_ENCRYPTION_KEY": "correct horse battery staple"}, []string{"PULSE_ENCRYPTION_KEY", "32 bytes"}},
		{"a port in use", nil, map[string]string{"PORT": busy.Addr().String()}, []string{busy.Addr().String(), "address already in use"}},
		{"a port that is none", nil, map[string]string{"PORT": "77777"}, []string{"PORT", "65535"}},
		{"a targets file that is not there", nil, map[string]string{"PULSE_TARGETS": "/no/such/file.yaml"}, []string{"PULSE_TARGETS", "/no/such/file.yaml"}},
		{"a certificate that is not there", nil, map[string]string{"PULSE_TLS_CERT": "/no/such/cert.pem", "PULSE_TLS_KEY": "/no/such/key.pem"}, []string{"/no/such/cert.pem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyDir(t, used, dir)
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			before := contents(t, dir)
			env := map[string]string{"PULSE_DATA_DIR": dir, "HOME": dir, "PORT": "127.0.0.1:0"}
			maps.Copy(env, tt.env)
			refusesToStart(t, exec.CommandContext(t.Context(), programs.Pulse), env, tt.says...)
			require.Equal(t, before, contents(t, dir), "nothing on disk may change")
		})
	}
}

// copyDir copies the files of a directory, which are for their owner only.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(from, entry.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, entry.Name()), data, 0o600))
	}
}

// refusesToStart runs Pulse and holds it to end with code 1 after one line that says what is wrong.
func refusesToStart(t *testing.T, cmd *exec.Cmd, env map[string]string, says ...string) {
	t.Helper()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the process, which the test's context ends
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, stderr.String())
		require.Equal(t, 1, exit.ExitCode(), stderr.String())
	case <-ctx.Done():
		_ = cmd.Process.Kill() // it may just have ended
		require.FailNow(t, "it started", (<-ended).Error()+stderr.String())
	}
	require.Empty(t, stdout.String())
	line, found := strings.CutSuffix(stderr.String(), "\n")
	require.True(t, found, stderr.String())
	require.NotContains(t, line, "\n", "one sentence")
	require.True(t, strings.HasPrefix(line, "pulse: "), line)
	for _, word := range says {
		require.Contains(t, line, word)
	}
	for name, value := range env {
		if strings.HasPrefix(name, "PULSE_ENCRYPTION_KEY") {
			require.NotContains(t, line, value)
		}
	}
}

// contents is what a directory holds: each file's mode and the sum of its content.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		out[path] = info.Mode().String()
		if entry.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			out[path] += " " + hex.EncodeToString(sum[:])
		}
		return nil
	}))
	return out
}

func writes(name string, content []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
}

func removes(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
}

func replacesByDir(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		removes(name)(t, dir)
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
}

// overwrites puts noise over everything behind the first bytes of a file.
func overwrites(name string, from int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Greater(t, len(data), from)
		for i := range data[from:] {
			data[from+i] = byte(i*7 + 3)
		}
		writes(name, data)(t, dir)
	}
}

// truncates cuts a file in half.
func truncates(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		writes(name, data[:len(data)/2])(t, dir)
	}
}

// nobody is a user who owns nothing.
const nobody = 65534

func TestDirectoryOfAnotherUserIsLeftAlone(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start a program as another user")
	}
	for name, env := range map[string]map[string]string{
		"with data":    {"PULSE_DATA_DIR": usedDir(t)},
		"without data": {"PULSE_DATA_DIR": filepath.Join(t.TempDir(), "new")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Dir(env["PULSE_DATA_DIR"])
			before := contents(t, dir)
			cmd := exec.CommandContext(t.Context(), programs.Pulse)
			cmd.Dir = "/"
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			env["HOME"], env["PORT"] = "/", "127.0.0.1:0"
			refusesToStart(t, cmd, env, env["PULSE_DATA_DIR"], "permission denied")
			require.Equal(t, before, contents(t, dir))
		})
	}
}

// smallDisk is a file system of its own with so much room.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}

// fill writes a file that takes all room on a disk.
func fill(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "other-program's-file")
	file, err := os.Create(path)
	require.NoError(t, err)
	block := make([]byte, 4096)
	for err == nil {
		_, err = file.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	_ = file.Close() // a full disk may say so here again
	return path
}

func TestFullDiskIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "2m")
	fill(t, dir)
	before := contents(t, dir)
	env := map[string]string{"PULSE_DATA_DIR": dir, "HOME": dir, "PORT": "127.0.0.1:0"}
	refusesToStart(t, exec.CommandContext(t.Context(), programs.Pulse), env, "no space left")
	require.Equal(t, before, contents(t, dir), "no half file is left")
}

// The limit on the size of a file stands in for the disk where nothing can be mounted.
func TestFileSizeLimitIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 4; trap '' XFSZ; exec "$0"`, programs.Pulse)
	env := map[string]string{"PULSE_DATA_DIR": dir, "HOME": dir, "PORT": "127.0.0.1:0", "PATH": "/usr/bin:/bin"}
	refusesToStart(t, cmd, env, dir)
}

func TestFullDiskWhileRunning(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-clusters", "1", "-nodes", "2", "-guests", "6", "-tick", "1s")
	c := s.sim.Estate.Clusters[0]
	disk := smallDisk(t, "8m")
	dir := filepath.Join(disk, "pulse")
	p := s.start(lab.PulseOptions{Dir: dir})
	s.every(p, 2)
	id := s.add(p, withToken("pve", "prod", c.URL(), c.Credentials[sim.Auditor]))
	s.awaitNode(p, id, "the connection", isStatus("connected"))

	filler := fill(t, disk)
	draft := map[string]any{"type": "pve", "host": "127.0.0.1:1", "user": "a@pve", "password": strings.Repeat("long", 250)}
	refused := 0
	labtest.Await(t, "a refused write", func(context.Context) error {
		reply := s.ask(p, "POST", "/api/config/nodes", with(with(draft, "host", fmt.Sprintf("127.1.0.%d:1", refused)), "name", fmt.Sprint(refused)))
		refused++ // what was written before has left room
		if reply.Status != 503 {
			return fmt.Errorf("status %d: %s", reply.Status, reply.Body)
		}
		require.JSONEq(t, errorExample(t, 503), string(reply.Body))
		return nil
	})
	known := len(s.nodes(p))
	require.Equal(t, refused, known, "a write that was refused left nothing") // one more than those accepted: prod
	ready := s.ask(p, "GET", "/api/ready", nil)
	require.Equal(t, 503, ready.Status, string(ready.Body))
	cycles := s.state(p).Stats.PollingCycles
	s.await(p, "further readings", func(st state) error {
		if st.Stats.PollingCycles < cycles+2 || len(st.guests()) != 6 || st.guests()[0].Freshness != "live" {
			return errors.New("nothing was read since")
		}
		return nil
	})
	require.Equal(t, 200, s.ask(p, "GET", "/api/health", nil).Status)

	require.NoError(t, os.Remove(filler))
	labtest.Await(t, "an accepted write", func(context.Context) error {
		reply := s.ask(p, "POST", "/api/config/nodes", with(with(draft, "host", "127.2.0.1:1"), "name", "healed"))
		if reply.Status != 201 {
			return fmt.Errorf("status %d: %s", reply.Status, reply.Body)
		}
		return nil
	})
	require.NoError(t, p.AwaitReady(t.Context()))
	require.Len(t, s.nodes(p), known+1)
	require.NoError(t, p.Stop(t.Context()))
	again := s.start(lab.PulseOptions{Dir: dir})
	require.Len(t, s.nodes(again), known+1, "what was accepted is there, what was refused is not")
}
