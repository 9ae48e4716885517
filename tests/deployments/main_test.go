// Package deployments holds every way to run Pulse to one contract: the standalone binary, replicas that share a Redis,
// the functions of AWS Lambda behind each of their fronts, and a program of somebody else's that embeds the library.
//
// All of them watch one simulated estate that stands still, and are sent the same requests. What they answer has to be
// what the OpenAPI document promises, and to be the same everywhere but for the fields that [passing] names. What only
// a function does, as to freeze, is tested beside that.
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
var programs struct{ standalone, embedded, lambda, poller string }

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
		flags  []string
	}{
		{&programs.standalone, "shells/standalone", nil},
		{&programs.embedded, "tests/embedded", nil},
		{&programs.lambda, "shells/lambda", []string{"-tags", "lambda.norpc"}},
		{&programs.poller, "shells/poller", []string{"-tags", "lambda.norpc"}},
	} {
		*p.path = filepath.Join(dir, filepath.Base(p.source), "bootstrap")
		// No version from the repository, which would be another one for a program that embeds the library.
		flags := append([]string{"-buildvcs=false"}, buildFlags()...)
		if err := lab.BuildProgram(ctx, *p.path, module+p.source, append(flags, p.flags...)...); err != nil {
			return err
		}
	}
	return nil
}
