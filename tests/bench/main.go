// Command bench measures Pulse as users run it: the built program in a process of its own against a simulated estate
// in another, of which nine values in ten move with every tick. Only Pulse's process is measured, by what the kernel
// knows of it. It prints one table in Markdown, or JSON with -json; it judges nothing.
//
// The whole takes about 28 minutes; -quick takes under three and shows roughly the same. What stands out is explained
// by -profile, which runs a Pulse that writes CPU and heap profiles of each steady state.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options say what is measured, and for how long.
type options struct {
	runs     int
	scenes   []string
	quick    bool
	json     bool
	profiles string

	warmUp  time.Duration // from the complete state to the steady one
	settle  time.Duration // from the complete state until everything slow was read
	steady  time.Duration // how long the steady state is measured
	reads   time.Duration // how long /api/state is read
	streams int           // clients that follow the state
	stops   int           // guests stopped while they follow

	disk    time.Duration // how long writing is counted
	diskDir string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var scenes string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.IntVar(&o.runs, "runs", 3, "how often each estate is measured")
	set.StringVar(&scenes, "estates", strings.Join(sceneNames(), ","), "what to measure, comma-separated; there are 1000-settled and 10000-settled too")
	set.BoolVar(&o.quick, "quick", false, "one short run of each, without counting what is written")
	set.BoolVar(&o.json, "json", false, "print JSON in place of the table")
	set.StringVar(&o.profiles, "profile", "", "directory for CPU and heap profiles of the steady states; the figures then include the profiling")
	set.DurationVar(&o.warmUp, "warm-up", 30*time.Second, "time from the complete state to the steady one")
	set.DurationVar(&o.settle, "settle", 30*time.Minute, "time until everything slow was read, for the settled estates; 10,000 guests take 75m")
	set.DurationVar(&o.steady, "steady", time.Minute, "how long the steady state is measured")
	set.DurationVar(&o.reads, "reads", 20*time.Second, "how long /api/state is read")
	set.IntVar(&o.streams, "streams", 100, "clients that follow the full state")
	set.IntVar(&o.stops, "stops", 5, "guests that are stopped while clients follow")
	set.DurationVar(&o.disk, "disk", 10*time.Minute, "how long it is counted what is written")
	set.StringVar(&o.diskDir, "disk-dir", "", "directory on the disk that is written to; empty is the temporary directory")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.quick {
		o.shorten(given)
	}
	o.scenes = strings.Split(scenes, ",")
	if o.quick && !given["estates"] { // the others take long, or add little
		o.scenes = []string{"1000", "10000"}
	}
	return o, nil
}

// shorten makes everything short that was not asked for.
func (o *options) shorten(given map[string]bool) {
	short := map[string]func(){
		"runs":    func() { o.runs = 1 },
		"warm-up": func() { o.warmUp = 5 * time.Second },
		"steady":  func() { o.steady = 20 * time.Second },
		"reads":   func() { o.reads = 10 * time.Second },
		"stops":   func() { o.stops = 3 },
	}
	for name, apply := range short {
		if !given[name] {
			apply()
		}
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.diskDir, "pulse-bench-*")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{options: o, dir: dir, progress: stderr, results: newResults()}
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.all(ctx); err != nil {
		return err
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(b.results.rows())
	}
	return b.results.print(stdout)
}
