// Command simulator runs a simulated estate of Proxmox VE clusters and Proxmox
// Backup Servers as a process of its own, for benchmarks and black-box tests.
// When everything listens it prints one line of JSON on stdout: the URLs,
// credentials and fingerprints of all servers and the URL of its control API.
// It stops on SIGTERM, on SIGINT, and when its stdin closes unless -detached.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "simulator:", err)
		}
		os.Exit(1)
	}
}

// options are what the flags say beyond the estate itself.
type options struct {
	config   sim.Config
	control  string
	detached bool
}

func parse(args []string) (options, error) {
	var o options
	var demo bool
	set := flag.NewFlagSet("simulator", flag.ContinueOnError)
	set.BoolVar(&demo, "demo", false, "the estate of the demonstration; -clusters, -nodes, -guests and -pbs do not apply")
	set.IntVar(&o.config.Clusters, "clusters", 1, "number of clusters")
	set.IntVar(&o.config.NodesPerCluster, "nodes", 3, "members per cluster")
	set.IntVar(&o.config.Guests, "guests", 100, "guests of all clusters together")
	set.IntVar(&o.config.BackupServers, "pbs", 0, "number of backup servers")
	set.IntVar(&o.config.BackupsPerGuest, "backups-per-guest", 8, "backups of each guest")
	set.Uint64Var(&o.config.Seed, "seed", 1, "seed of names, numbers and keys")
	set.DurationVar(&o.config.Tick, "tick", 10*time.Second, "how often published values move")
	set.Float64Var(&o.config.ChangeShare, "change-share", 0.9, "share of running guests whose values move in a tick")
	set.DurationVar(&o.config.TaskDuration, "task-duration", time.Second, "how long tasks run")
	set.DurationVar(&o.config.AuthDelay, "auth-delay", 0, "how long a refused credential takes")
	set.IntVar(&o.config.PVEPort, "pve-port", 0, "port of all PVE members; 0 takes a free one")
	set.IntVar(&o.config.PBSPort, "pbs-port", 0, "port of all backup servers; 0 takes a free one")
	set.StringVar(&o.control, "control", "127.0.0.1:0", "address of the control API")
	set.BoolVar(&o.detached, "detached", false, "go on when stdin closes")
	if err := set.Parse(args); err != nil {
		return options{}, err
	}
	if demo {
		furnished := sim.Demo()
		furnished.Tick, furnished.TaskDuration, furnished.AuthDelay = o.config.Tick, o.config.TaskDuration, o.config.AuthDelay
		furnished.PVEPort, furnished.PBSPort = o.config.PVEPort, o.config.PBSPort
		o.config = furnished
	}
	return o, nil
}

// ready is the line printed when everything listens.
type ready struct {
	Control string `json:"control"`
	sim.Description
}

// run serves until ctx ends or stdin closes.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	estate, err := sim.New(o.config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := estate.Start(ctx); err != nil {
		return err
	}
	defer estate.Stop()
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", o.control)
	if err != nil {
		return fmt.Errorf("listen for control on %s: %w", o.control, err)
	}
	server := &http.Server{Handler: estate.Control(), ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer serving.Wait()
	defer func() { _ = server.Close() }()
	if !o.detached {
		// A read of stdin cannot be interrupted, so nothing waits for this one;
		// the process ends after it.
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	line, err := json.Marshal(ready{Control: "http://" + listener.Addr().String(), Description: estate.Describe()})
	if err != nil {
		return fmt.Errorf("describe estate: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return fmt.Errorf("print estate: %w", err)
	}
	<-ctx.Done()
	return nil
}
