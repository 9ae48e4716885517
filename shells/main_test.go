package shells

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }
