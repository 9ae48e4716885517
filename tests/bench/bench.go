package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// startLimit is how long a program may take to start, or a state to become complete.
const startLimit = 3 * time.Minute

const token = "bench"

// bench runs the scenes.
type bench struct {
	options
	dir      string
	programs lab.Programs
	progress io.Writer
	results  *results
}

func (b *bench) build(ctx context.Context) error {
	b.say("building")
	programs, err := lab.Build(ctx, b.dir)
	if err == nil && b.profiles != "" {
		if err = os.MkdirAll(b.profiles, 0o750); err == nil {
			err = lab.BuildProgram(ctx, programs.Pulse, "github.com/proxpulse/proxpulse/tests/bench/profiled")
		}
	}
	b.programs = programs
	return err
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// all measures the scenes one after the other, and then those side by side that take long.
func (b *bench) all(ctx context.Context) error {
	chosen, err := choose(b.scenes)
	if err != nil {
		return err
	}
	for _, s := range chosen {
		if !s.beside() {
			if err := b.repeat(ctx, s); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, len(chosen))
	var wg sync.WaitGroup
	for i, s := range chosen {
		if s.beside() {
			wg.Go(func() {
				if failures[i] = b.repeat(ctx, s); failures[i] != nil {
					cancel()
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(failures...)
}

func choose(names []string) ([]scene, error) {
	var chosen []scene
	known := scenes()
	for _, name := range names {
		i := slices.IndexFunc(known, func(s scene) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no estate %q; there are %s", name, strings.Join(sceneNames(), ", "))
		}
		chosen = append(chosen, known[i])
	}
	return chosen, nil
}

// repeat measures a scene as often as it is to be measured.
func (b *bench) repeat(ctx context.Context, s scene) (err error) {
	if s.diskOnly {
		if err = b.measureDisk(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		return nil
	}
	runs := b.runs
	if s.once {
		runs = 1
	}
	for n := range runs {
		b.say("%s: run %d of %d", s.name, n+1, runs)
		measure := b.measure
		if s.replicas > 0 {
			measure = b.measureReplicas
		}
		if s.cloud {
			measure = b.measureFunctions
		}
		if err := measure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// stage is one estate with the Pulse that watches it.
type stage struct {
	scene     scene
	simulator *lab.Simulator
	pulse     *lab.Pulse
	began     time.Time // just before Pulse was started
}

// open starts the simulator and then Pulse, with a store of its own.
func (b *bench) open(ctx context.Context, s scene) (_ *stage, err error) {
	simulator, err := lab.StartSimulator(ctx, b.programs, s.args()...)
	if err != nil {
		return nil, err
	}
	st := &stage{scene: s, simulator: simulator}
	defer func() {
		if err != nil {
			simulator.Kill()
		}
	}()
	data, err := os.MkdirTemp(b.dir, "data-*")
	if err != nil {
		return nil, err
	}
	targets := filepath.Join(data, "targets.json")
	if err := lab.WriteTargets(targets, lab.Declare(simulator.Estate, sim.BackupReader)); err != nil {
		return nil, err
	}
	st.began = time.Now()
	st.pulse, err = lab.StartPulse(ctx, b.programs, lab.PulseOptions{
		Dir: data, Token: token, Targets: targets, Env: map[string]string{"PROFILE_DIR": b.profiles},
	})
	return st, err
}

// close ends both programs.
func (st *stage) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer cancel()
	err := st.pulse.Stop(ctx)
	st.pulse.Kill()
	st.simulator.Kill()
	if err != nil {
		return fmt.Errorf("stop Pulse: %w", err)
	}
	return nil
}

// measure measures a scene once.
func (b *bench) measure(ctx context.Context, s scene) (err error) {
	st, err := b.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if err := b.measureStart(ctx, st); err != nil {
		return err
	}
	warmUp := b.warmUp
	if s.settled {
		warmUp = b.settle
	}
	if err := pause(ctx, warmUp); err != nil {
		return err
	}
	if err := b.measureSteady(ctx, st); err != nil {
		return err
	}
	if s.reads {
		if err := b.measureReads(ctx, st); err != nil {
			return err
		}
	}
	if s.streams && b.streams > 0 {
		return b.measureStreams(ctx, st)
	}
	return nil
}

// measureDisk counts what is written in all runs side by side, since each takes long and hardly any CPU.
func (b *bench) measureDisk(ctx context.Context, s scene) error {
	b.say("%s: %d runs side by side for %s", s.name, b.runs, b.disk)
	failures := make([]error, b.runs)
	var wg sync.WaitGroup
	for n := range b.runs {
		wg.Go(func() { failures[n] = b.countWritten(ctx, s) })
	}
	wg.Wait()
	return errors.Join(failures...)
}

func (b *bench) countWritten(ctx context.Context, s scene) (err error) {
	st, err := b.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if _, err := st.awaitComplete(ctx); err != nil {
		return err
	}
	if err := pause(ctx, b.warmUp); err != nil {
		return err
	}
	before, err := writtenBytes(st.pulse.PID())
	if err != nil {
		return err
	}
	if err := pause(ctx, b.disk); err != nil {
		return err
	}
	after, err := writtenBytes(st.pulse.PID())
	if err != nil {
		return err
	}
	perDay := float64(after-before) * float64(24*time.Hour) / float64(b.disk)
	b.results.add(s.name, "written to disk per day", "MB", perDay/1e6)
	return nil
}

// pause lets time pass, which is what is measured over.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
