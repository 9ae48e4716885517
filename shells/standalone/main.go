// Command pulse watches Proxmox VE clusters and Proxmox Backup Servers: it polls them, keeps what it learns in one SQLite
// file, or in a Redis that any number of such processes share, and serves the API.
//
// What can be set is listed by --help; everything but secrets has a flag, and everything has a name in the environment.
// INT, TERM and HUP, which a terminal sends when it is closed, end it in order within 15 s, and a second INT or TERM at
// once; under nohup HUP does nothing. It exits with 0 after that, with 1 when it could not
// start or go on, and with 2 when the command line was not understood.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/redisstore"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
	"github.com/proxpulse/proxpulse/shells"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx = orHangUp(ctx)
	context.AfterFunc(ctx, restore)                                // so that a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr) //nolint:forbidigo // what shells.Open reads through
	restore()
	os.Exit(code)
}

// orHangUp ends the context also when the terminal is closed, unless nohup started the program. HUP stays caught to the
// end: both the shell and the system send it to what runs in a terminal.
func orHangUp(ctx context.Context) context.Context {
	if signal.Ignored(syscall.SIGHUP) {
		return ctx
	}
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGHUP)
	return ctx
}

// run is the whole program; it returns the exit code. Ctx ends it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	line, err := parse(args, stdout)
	if err != nil {
		complain(stderr, err)
		return exitUsage
	}
	getenv = line.over(getenv)
	switch {
	case line.answered:
		return exitOK
	case line.version:
		_, _ = fmt.Fprintln(stdout, "pulse "+build().Number)
		return exitOK
	case line.health:
		err = checkHealth(ctx, getenv)
	default:
		err = start(ctx, getenv, stdout, stderr)
	}
	if err != nil {
		complain(stderr, err)
		return exitFailed
	}
	return exitOK
}

// complain writes what is wrong, one line for each thing.
func complain(w io.Writer, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(w, "pulse: "+line)
	}
}

// start opens everything, serves until ctx ends, and closes everything.
func start(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
	cfg, err := shells.ReadConfig(getenv)
	if err != nil || !cfg.Demo {
		return open(ctx, getenv, nil, stdout, stderr) // which reports all that is wrong with the settings
	}
	demo, err := simulate(ctx)
	if err != nil {
		return err
	}
	defer demo.stop()
	return open(ctx, inMemory(getenv), demo, stdout, stderr)
}

// open opens Pulse and serves it; demo is nil outside a demonstration.
func open(ctx context.Context, getenv func(string) string, demo *demonstration, stdout, stderr io.Writer) error {
	p, err := shells.Open(ctx, getenv, shells.Parts{
		Stores: stores(), DefaultStore: "sqlite:", Version: build(), Log: stderr,
	})
	if err != nil {
		return err
	}
	err = operate(ctx, p, getenv, demo, stdout)
	if errors.Is(err, errUnfinished) {
		return err // something still uses the store; it keeps what was committed when the process ends
	}
	return errors.Join(err, p.Close())
}

func operate(ctx context.Context, p *shells.Pulse, getenv func(string) string, demo *demonstration, stdout io.Writer) error {
	if demo != nil {
		if err := demo.watchedBy(ctx, p.Monitor); err != nil {
			return err
		}
	}
	s, err := listen(ctx, p, getenv)
	if err != nil {
		return err
	}
	if demo != nil {
		demo.explain(stdout, s.curl())
	}
	return s.serve(ctx)
}

// stores are those that a standalone Pulse can keep its data in.
func stores() map[string]shells.StoreKind {
	return map[string]shells.StoreKind{
		"sqlite": {
			File: "pulse.db",
			Open: func(ctx context.Context, path string) (store.Store, error) {
				return sqlitestore.Open(ctx, path, sqlitestore.Options{})
			},
		},
		"memory": {
			Forgets: true,
			Open:    func(context.Context, string) (store.Store, error) { return store.NewMemory(), nil },
		},
		"redis":  {Shared: true, Open: openRedis},
		"rediss": {Shared: true, Open: openRedis},
	}
}

func openRedis(ctx context.Context, url string) (store.Store, error) {
	return redisstore.Open(ctx, url)
}
