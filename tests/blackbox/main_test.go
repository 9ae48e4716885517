// Package blackbox runs the built programs, Pulse and the simulated estate, as processes of their own that talk over
// real sockets, and holds Pulse to what a person who uses it relies on.
//
// Nothing here reaches into the programs: what Pulse did is told by its API, its log and the simulator's list of
// requests. Each test has its own processes, ports and directory, so that all of them run side by side.
package blackbox

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/tests/contract"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// programs are built once, before the tests.
var programs lab.Programs

// promise is the OpenAPI document, which every answer is held to.
var promise *contract.Document

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pulse-blackbox-*")
	if err == nil {
		err = os.Chmod(dir, 0o755) // another user starts Pulse too
	}
	if err == nil {
		programs, err = lab.Build(context.Background(), dir, buildFlags()...)
	}
	if err == nil {
		promise, err = contract.Load()
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
