package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asProgram makes the test binary be the program itself, for what only a process of its own can show.
const asProgram = "PULSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }
