//go:build unix

package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
)

const (
	roleVariable = "SQLITESTORE_TEST_ROLE"
	pathVariable = "SQLITESTORE_TEST_PATH"

	roleCount   = "count"   // increments a number countTimes and ends
	roleEndless = "endless" // increments durably and prints each number, until it is killed
	roleOpen    = "open"    // opens the store and prints the error
	roleLimited = "limited" // writes more than it is allowed to and prints which error that is

	countTimes = 150
)

// child is what the other process of a test does.
func child(role, path string) int {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{Patience: time.Minute})
	if role == roleOpen {
		fmt.Println(err)
		return 0
	}
	if err == nil && role == roleLimited {
		if err = writeWithLimit(ctx, s); errors.Is(err, store.ErrFull) {
			fmt.Println(store.ErrFull)
			return 0
		}
	} else if err == nil {
		err = countUp(ctx, s, role == roleEndless, os.Stdout)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// countUp increments the number in a key by check and write, among others that do the same.
func countUp(ctx context.Context, s store.Store, endless bool, out io.Writer) error {
	for done := 0; endless || done < countTimes; {
		g, err := s.Get(ctx, "g", "n")
		if err != nil {
			return err
		}
		op, n := store.Op{Key: "n"}, 0
		if len(g.Items) > 0 {
			op.Rev = g.Items[0].Rev
			if n, err = strconv.Atoi(string(g.Items[0].Value)); err != nil {
				return err
			}
		}
		op.Value = []byte(strconv.Itoa(n + 1))
		c := store.Commit{Group: "g", Epoch: g.Rev.Epoch, Durable: endless, Ops: []store.Op{op}}
		if endless {
			c.Appends = []store.Append{{Chunk: "c", At: int64(n), Data: []byte{byte(n)}}}
		}
		_, err = s.Commit(ctx, c)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		done++
		if _, err := fmt.Fprintln(out, n+1); err != nil {
			return err
		}
	}
	return nil
}

func command(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestTwoProcessesLoseNoUpdateAndHearOfEachOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	s := open(t, path, sqlitestore.Options{Patience: time.Minute, WatchEvery: 10 * time.Millisecond})
	hints, err := s.Subscribe(t.Context())
	require.NoError(t, err)

	cmd := command(t, roleCount, path)
	require.NoError(t, cmd.Start())
	require.NoError(t, countUp(t.Context(), s, false, io.Discard))
	require.NoError(t, cmd.Wait())

	g, err := s.Get(t.Context(), "g", "n")
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(2*countTimes), string(g.Items[0].Value))
	require.Equal(t, uint64(2*countTimes), g.Rev.N)

	cmd = command(t, roleCount, path)
	require.NoError(t, cmd.Run())
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for last := (store.Hint{}); last.Rev.N != 3*countTimes; {
		select {
		case last = <-hints:
		case <-timeout.C:
			require.FailNow(t, "no hint of the other process's last commit")
		}
	}
}

func TestKilledProcessLosesNothingItReported(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	reported := 0
	for round := range 3 {
		cmd := command(t, roleEndless, path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range 20 + 7*round {
			require.True(t, lines.Scan())
		}
		require.NoError(t, cmd.Process.Kill())
		for ok := true; ok; ok = lines.Scan() { // what it had reported by then
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				reported = n
			}
		}
		require.Error(t, cmd.Wait())

		s := open(t, path, sqlitestore.Options{})
		g, err := s.Get(t.Context(), "g", "n")
		require.NoError(t, err)
		n, err := strconv.Atoi(string(g.Items[0].Value))
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, reported)
		_, size, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
		require.NoError(t, err)
		require.EqualValues(t, n, size, "key and chunk of one commit stay together")
		require.NoError(t, s.Close())
	}
}

func TestManyProcessesOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pulse.db")
	var commands []*exec.Cmd
	var outputs []*strings.Builder
	for range 4 {
		cmd, out := command(t, roleOpen, path), &strings.Builder{}
		cmd.Stdout = out
		require.NoError(t, cmd.Start())
		commands, outputs = append(commands, cmd), append(outputs, out)
	}
	for i, cmd := range commands {
		require.NoError(t, cmd.Wait())
		require.Equal(t, "<nil>\n", outputs[i].String())
	}
}
