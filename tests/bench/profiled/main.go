// Command profiled is Pulse as the benchmarks run it to find out where time and memory go: SIGUSR1 begins a CPU
// profile, SIGUSR2 ends it and writes it to cpu-PID.pprof with a heap profile beside it, heap-PID.pprof. The directory is
// PROFILE_DIR. Everything else is set as for Pulse itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
	"github.com/proxpulse/proxpulse/shells"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	p, err := shells.Open(ctx, os.Getenv, shells.Parts{
		Stores: map[string]shells.StoreKind{"sqlite": {
			File: "pulse.db",
			Open: func(ctx context.Context, path string) (store.Store, error) {
				return sqlitestore.Open(ctx, path, sqlitestore.Options{})
			},
		}},
		DefaultStore: "sqlite:", Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", p.Listen.Address)
	if err != nil {
		return err
	}
	p.Log.Info("listening", "url", "http://"+listener.Addr().String())
	server := &http.Server{Handler: p.API, ReadHeaderTimeout: time.Minute}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failures := make([]error, 2)
	wg.Go(func() { failures[0] = p.Monitor.Run(running) })
	wg.Go(func() { _ = server.Serve(listener) }) // until it is closed
	failures[1] = profile(running, os.Getenv("PROFILE_DIR"))
	cancel()
	_ = p.API.Close(running)
	_ = server.Close()
	wg.Wait()
	return errors.Join(failures...)
}

// profile writes profiles as signals ask for them until ctx ends.
func profile(ctx context.Context, dir string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(asked)
	var cpu *os.File
	for {
		var s os.Signal
		select {
		case <-ctx.Done():
			return nil
		case s = <-asked:
		}
		if s == syscall.SIGUSR2 {
			pprof.StopCPUProfile()
			if err := errors.Join(cpu.Close(), writeHeap(dir)); err != nil {
				return err
			}
			continue
		}
		var err error
		if cpu, err = os.Create(file(dir, "cpu")); err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return err
		}
	}
}

func writeHeap(dir string) (err error) {
	heap, err := os.Create(file(dir, "heap"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, heap.Close()) }()
	runtime.GC() // so that the profile shows what is in use now
	return pprof.Lookup("heap").WriteTo(heap, 0)
}

func file(dir, kind string) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", kind, os.Getpid()))
}
