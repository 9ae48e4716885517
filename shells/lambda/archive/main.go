// Command archive builds Pulse's programs for AWS Lambda and packs each into an archive that Lambda takes, for both of
// its architectures. The same sources and the same Go give the same bytes.
//
// Usage: go run ./shells/lambda/archive [-version v5.0.0] DIRECTORY
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// programs are the functions, by the names of their archives.
var programs = map[string]string{"pulse-lambda": "./shells/lambda", "pulse-poller": "./shells/poller"}

// architectures are those that Lambda has, as Go calls them.
var architectures = []string{"arm64", "amd64"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("archive", flag.ContinueOnError)
	version := flags.String("version", "", "the release that is built, as v5.0.0; empty takes what Go knows of the repository")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("want one directory to write the archives to")
	}
	dir := flags.Arg(0)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is built is for everybody
		return fmt.Errorf("make the directory: %w", err)
	}
	for _, architecture := range architectures {
		for name, source := range programs {
			path := filepath.Join(dir, name+"-"+architecture+".zip")
			binary, archive, err := build(ctx, source, architecture, *version, path)
			if err != nil {
				return fmt.Errorf("build %s: %w", path, err)
			}
			_, _ = fmt.Fprintf(stdout, "%s  %.1f MB, unpacked %.1f MB\n", path, megabytes(archive), megabytes(binary))
		}
	}
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

// build builds a program and writes its archive. It returns the size of both in bytes.
func build(ctx context.Context, source, architecture, version, path string) (binary, archive int64, err error) {
	temp, err := os.MkdirTemp("", "pulse-archive-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	bootstrap := filepath.Join(temp, bootstrapName)
	if err := compile(ctx, source, architecture, version, bootstrap); err != nil {
		return 0, 0, err
	}
	program, err := os.ReadFile(bootstrap) //nolint:gosec // it was just built
	if err != nil {
		return 0, 0, err
	}
	packed, err := pack(program)
	if err != nil {
		return 0, 0, err
	}
	if err := os.WriteFile(path, packed, 0o644); err != nil { //nolint:gosec // as above
		return 0, 0, err
	}
	return int64(len(program)), int64(len(packed)), nil
}

// compile builds a static binary without symbols and without a mark of where it was built. The RPC of Lambda's older
// runtime is left out.
func compile(ctx context.Context, source, architecture, version, to string) error {
	ldflags := "-s -w -buildid="
	if version != "" {
		ldflags += " -X main.version=" + version
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", ldflags, "-o", to, source) //nolint:gosec // the arguments are this program's own
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)                                       //nolint:forbidigo // go's own settings
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}
