// Command embedded is a web service of somebody's own with Pulse's API in it, made of the library alone: it has routes,
// arguments and a log of its own, and reads no environment. Everything is kept in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

type options struct {
	listen, token, targets string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("embedded", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on")
	flags.StringVar(&o.token, "token", "", "what guards the API; empty leaves it open")
	flags.StringVar(&o.targets, "targets", "", "file that declares what is watched, in JSON")
	return o, flags.Parse(args)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, log io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	monitor, err := newMonitor(ctx, o.targets, logger)
	if err != nil {
		return err
	}
	version := api.Version{Number: "dev", Development: true, Docker: contained()}
	served, err := api.New(api.Options{Monitor: monitor, Token: o.token, Version: version, Logger: logger})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "This service watches Proxmox, too.\n") // a client that is gone needs none
	})
	mux.Handle("/", served)
	return serve(ctx, o.listen, logger, mux, monitor, served)
}

// contained tells whether this runs in a container.
func contained() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}

func newMonitor(ctx context.Context, targets string, logger *slog.Logger) (*pulse.Monitor, error) {
	declared, err := readTargets(targets)
	if err != nil {
		return nil, err
	}
	monitor, err := pulse.New(pulse.Options{
		Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey()), Declared: declared, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return monitor, monitor.Load(ctx)
}

// readTargets reads the file that declares targets; none for no file.
func readTargets(path string) ([]config.Target, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the person who starts the program names the file
	if err != nil {
		return nil, err
	}
	entries, err := config.DecodeDeclared(text, path)
	if err != nil {
		return nil, err
	}
	var declared []config.Target
	for _, entry := range entries {
		declared = append(declared, entry.Target)
	}
	return declared, nil
}

// serve runs the monitor and the server until ctx ends, and ends both in order.
func serve(
	ctx context.Context, address string, logger *slog.Logger,
	handler http.Handler, monitor *pulse.Monitor, served *api.API,
) error {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	var runErr, serveErr error
	running.Go(func() {
		defer cancel()
		runErr = monitor.Run(ctx)
	})
	running.Go(func() {
		defer cancel()
		serveErr = server.Serve(listener)
	})
	logger.Info("listening", "url", "http://"+listener.Addr().String())
	<-ctx.Done()
	ending, release := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer release()
	closeErr := errors.Join(served.Close(ending), server.Shutdown(ending))
	running.Wait()
	if errors.Is(serveErr, http.ErrServerClosed) {
		serveErr = nil
	}
	return errors.Join(runErr, serveErr, closeErr)
}
