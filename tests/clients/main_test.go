// Package clients runs the generated clients against the built program and the simulated estate: every operation of
// the document, with the token and without it, and what goes wrong as the typed error that each client promises.
//
// The clients speak through a proxy that tells which operations were asked for, and holds every answer to the document.
package clients

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

// promise is the document that the clients are generated from.
var promise *contract.Document

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pulse-clients-*")
	if err == nil {
		programs, err = lab.Build(context.Background(), dir)
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
