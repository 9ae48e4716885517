// Package replicas runs several built Pulse processes that share one real redis-server, and holds them to what a person
// relies on who runs more than one: that they share the work, lose nothing when one of them or Redis goes away, and show
// the same.
//
// Which replica asked a simulated server is told by the User-Agent: each is built with a version of its own. How often
// a target was read is counted from the simulator's list of requests. Each test has its own processes, ports and
// directories, so that all of them run side by side.
package replicas

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// built are the programs of as many replicas, built once before the tests.
var built [3]lab.Programs

// sideBySide is how many tests run at once: they wait most of the time.
const sideBySide = "3"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", sideBySide); err != nil { // the command line is read after this, and wins
		panic(err)
	}
	dir, err := os.MkdirTemp("", "pulse-replicas-*")
	if err == nil {
		err = build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a temporary directory
		os.Exit(code)
	}))
}

func build(ctx context.Context, dir string) error {
	programs, err := lab.Build(ctx, dir, buildFlags()...)
	if err != nil {
		return err
	}
	for i := range built {
		built[i] = programs
		built[i].Pulse = filepath.Join(dir, versionOf(i))
		flags := append(buildFlags(), "-ldflags=-X main.version="+versionOf(i))
		if err := lab.BuildProgram(ctx, built[i].Pulse, "github.com/proxpulse/proxpulse/shells/standalone", flags...); err != nil {
			return err
		}
	}
	return nil
}

// versionOf is the version that a replica is built with.
func versionOf(i int) string { return fmt.Sprintf("replica-%d", i) }

// agentOf is how the simulated servers know a replica.
func agentOf(i int) string { return "Pulse/" + versionOf(i) }
