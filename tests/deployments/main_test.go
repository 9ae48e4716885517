// Package deployments holds the ways to run Pulse to one contract: the standalone binary, and a program of somebody
// else's that embeds the library.
//
// All of them watch one simulated estate that stands still, and are sent the same requests. What they answer has to be
// what the OpenAPI document promises, and to be the same everywhere but for the fields that [passing] names.
package deployments

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/tests/contract"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// The programs, which are built once, before the tests.
var programs struct{ standalone, embedded string }

// promise is the OpenAPI document, which every answer is held to.
var promise *contract.Document

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pulse-deployments-*")
	if err == nil {
		err = build(context.Background(), dir)
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

func build(ctx context.Context, dir string) error {
	const module = "github.com/proxpulse/proxpulse/"
	for _, p := range []struct {
		path   *string
		source string
	}{
		{&programs.standalone, "shells/standalone"},
		{&programs.embedded, "tests/embedded"},
	} {
		*p.path = filepath.Join(dir, filepath.Base(p.source), "bootstrap")
		// No version from the repository, which would be another one for a program that embeds the library.
		flags := append([]string{"-buildvcs=false"}, buildFlags()...)
		if err := lab.BuildProgram(ctx, *p.path, module+p.source, flags...); err != nil {
			return err
		}
	}
	return nil
}
