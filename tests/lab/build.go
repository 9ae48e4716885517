package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/proxpulse/proxpulse"

// Programs are the paths of the built executables.
type Programs struct {
	Simulator string
	Pulse     string
}

// Build builds the programs into dir. It works from any directory within the module. The flags go to "go build", as
// "-race".
func Build(ctx context.Context, dir string, flags ...string) (Programs, error) {
	programs := Programs{Simulator: filepath.Join(dir, "simulator"), Pulse: filepath.Join(dir, "pulse")}
	for _, p := range []struct{ path, source string }{
		{programs.Simulator, module + "/tests/simulator"},
		{programs.Pulse, module + "/shells/standalone"},
	} {
		if err := BuildProgram(ctx, p.path, p.source, flags...); err != nil {
			return Programs{}, err
		}
	}
	return programs, nil
}

// BuildProgram builds the command with the import path source into the file path.
func BuildProgram(ctx context.Context, path, source string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, source)...) //nolint:gosec // built from this module alone
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w", source, errors.Join(err, errors.New(strings.TrimSpace(string(out)))))
	}
	return nil
}
