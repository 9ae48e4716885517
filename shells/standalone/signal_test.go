package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// process starts the program as a process of its own and waits until it listens. The rest of what it logs is read from
// the returned reader.
func process(t *testing.T, command ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no such signals")
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PULSE_STORE=memory:", "PORT=127.0.0.1:0", "PULSE_DATA_DIR="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	log := bufio.NewReader(stderr)
	for {
		line, err := log.ReadString('\n')
		require.NoError(t, err, line)
		if strings.Contains(line, "msg=listening") {
			return cmd, log
		}
	}
}

// ended waits for the end of a process that was told to stop, which it must do in order.
func ended(t *testing.T, cmd *exec.Cmd, log io.Reader) {
	t.Helper()
	rest, err := io.ReadAll(log)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s", rest)
	require.Contains(t, string(rest), "msg=stopping")
	require.Contains(t, string(rest), "msg=stopped")
}

func TestSignalsEndTheProgramInOrder(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			cmd, log := process(t, os.Args[0])
			require.NoError(t, cmd.Process.Signal(s))
			ended(t, cmd, log)
		})
	}
}

func TestAClosedTerminalMayTellTwice(t *testing.T) {
	t.Parallel()
	cmd, log := process(t, os.Args[0])
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	line := ""
	for !strings.Contains(line, "msg=stopping") {
		var err error
		line, err = log.ReadString('\n')
		require.NoError(t, err, line)
	}
	_ = cmd.Process.Signal(syscall.SIGHUP) // it may have ended
	rest, err := io.ReadAll(log)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s", rest)
}

func TestNohupKeepsTheProgramRunning(t *testing.T) {
	t.Parallel()
	cmd, log := process(t, "/bin/sh", "-c", `trap "" HUP; exec "$0"`, os.Args[0])
	if status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status"); err == nil { // on Linux
		require.Regexp(t, `(?m)^SigIgn:\s.*[13579bdf]$`, string(status), "HUP is the lowest bit")
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	ended(t, cmd, log)
}
