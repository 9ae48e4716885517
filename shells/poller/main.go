// Command poller reads the targets and writes what it observed to a Redis, from which others serve it. It is one program
// for schedules of all kinds: as an AWS Lambda function it handles the scheduled event of an EventBridge rule and polls
// until shortly before its time is over; with --once, under cron or a systemd timer, it reads every target that is due
// and ends; with --loop it polls until it is told to end, by INT or TERM.
//
// Settings come from the environment; PULSE_ENCRYPTION_KEY and PULSE_STORE are required. Pollers share the targets among
// them, however many there are. It exits with 0 also when a target did not answer, since that is what is observed then,
// with 1 when it could not start or the store failed, and with 2 when the command line was not understood.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/redisstore"
	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

// version is set when a release is built, with -ldflags "-X main.version=v5.0.0".
var version string

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	getenv := os.Getenv //nolint:forbidigo // what shells.Open reads through
	if getenv(function.EnvRuntimeAPI) != "" {
		os.Exit(function.Run(context.Background(), getenv, os.Stderr, parts(), func(i *function.Instance) lambda.Handler {
			return &schedule{instance: i}
		}))
	}
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // so that a second signal ends the process at once
	code := run(ctx, os.Args[1:], getenv, parts(), os.Stdout, os.Stderr)
	restore()
	os.Exit(code)
}

// parts are what the program brings along.
func parts() shells.Parts {
	return shells.Parts{
		Stores: map[string]shells.StoreKind{
			"redis": {Shared: true, Open: openRedis}, "rediss": {Shared: true, Open: openRedis},
		},
		Required: []string{"PULSE_ENCRYPTION_KEY"},
		Role:     pulse.RolePoller,
		Version:  shells.Build(version),
		Log:      os.Stderr,
	}
}

func openRedis(ctx context.Context, url string) (store.Store, error) {
	return redisstore.Open(ctx, url)
}

// run is the whole program outside of Lambda; it returns the exit code. Ctx ends it.
func run(ctx context.Context, args []string, getenv func(string) string, parts shells.Parts, stdout, stderr io.Writer) int {
	line, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	case err != nil:
		complain(stderr, err)
		_, _ = io.WriteString(stderr, "\n"+usage)
		return exitUsage
	case line.version:
		_, _ = fmt.Fprintln(stdout, "pulse-poller "+parts.Version.Number)
		return exitOK
	}
	if err := poll(ctx, line.once, getenv, parts); err != nil {
		complain(stderr, err)
		return exitFailed
	}
	return exitOK
}

// commandLine is what the arguments say: one of these.
type commandLine struct{ once, loop, version bool }

const usage = `Reads Proxmox VE clusters and Proxmox Backup Servers and writes what it observed to a Redis.

  --once     read every target that is due, and end: for cron or a systemd timer
  --loop     read the targets at their intervals until told to end
  --version  print the version and end

Settings come from the environment: PULSE_STORE, PULSE_ENCRYPTION_KEY, and those that other Pulses have.
In AWS Lambda there are no arguments: it handles the event of a schedule.
`

func parse(args []string) (commandLine, error) {
	var line commandLine
	flags := flag.NewFlagSet("pulse-poller", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {} // the caller knows where to
	flags.BoolVar(&line.once, "once", false, "")
	flags.BoolVar(&line.loop, "loop", false, "")
	flags.BoolVar(&line.version, "version", false, "")
	if err := flags.Parse(args); err != nil {
		return line, err
	}
	given := 0
	for _, one := range []bool{line.once, line.loop, line.version} {
		if one {
			given++
		}
	}
	if given != 1 || flags.NArg() > 0 {
		return line, errors.New("want one of --once, --loop and --version, and nothing else")
	}
	return line, nil
}

// poll opens everything, polls once or until ctx ends, and closes everything.
func poll(ctx context.Context, once bool, getenv func(string) string, parts shells.Parts) (err error) {
	p, err := shells.Open(ctx, getenv, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	p.Log.Info("Pulse polls", "version", parts.Version.Number, "store", p.Store, "once", once)
	if once {
		return p.Monitor.Poll(ctx)
	}
	return p.Monitor.Run(ctx)
}

// complain writes what is wrong, one line for each thing.
func complain(w io.Writer, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(w, "pulse-poller: "+line)
	}
}
