package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const cycle = 10 * time.Second

// measureSteady measures what Pulse costs while nobody asks it anything.
func (b *bench) measureSteady(ctx context.Context, st *stage) error {
	if err := st.simulator.Forget(ctx); err != nil {
		return err
	}
	if err := b.signal(st, syscall.SIGUSR1); err != nil {
		return err
	}
	before, err := cpuTime(st.pulse.PID())
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, b.steady); err != nil {
		return err
	}
	cycles := time.Since(began).Seconds() / cycle.Seconds()
	after, err := cpuTime(st.pulse.PID())
	if err != nil {
		return err
	}
	if err := b.signal(st, syscall.SIGUSR2); err != nil {
		return err
	}
	perGuest := (after - before).Seconds() * 1e6 / float64(st.scene.estate.guests) / cycles
	b.results.add(st.scene.name, "CPU per guest and 10 s, no client", "us", perGuest)
	if err := b.noteMemory(st, "steady"); err != nil {
		return err
	}
	return b.noteRequests(ctx, st, cycles)
}

// signal tells a Pulse that can write profiles to begin, or to end and write.
func (b *bench) signal(st *stage, s syscall.Signal) error {
	if b.profiles == "" {
		return nil
	}
	if s == syscall.SIGUSR2 {
		b.say("%s: profiles in %s", st.scene.name, filepath.Join(b.profiles, fmt.Sprintf("*-%d.*", st.pulse.PID())))
	}
	return st.pulse.Signal(s)
}

func (b *bench) noteMemory(st *stage, when string) error {
	m, err := readMemory(st.pulse.PID())
	if err != nil {
		return err
	}
	for name, bytes := range map[string]int64{"RSS": m.resident, "PSS": m.proportional, "peak RSS": m.peak} {
		b.results.add(st.scene.name, "memory, "+when+": "+name, "MiB", float64(bytes)/(1<<20))
	}
	return nil
}

// noteRequests adds the requests of each cluster and backup server, by what they ask for. Several targets of a kind
// count as several measurements.
func (b *bench) noteRequests(ctx context.Context, st *stage, cycles float64) error {
	for _, c := range st.simulator.Estate.Clusters {
		counts, err := st.simulator.Counts(ctx, c.Name)
		if err != nil {
			return err
		}
		all, tasks := sum(counts), counts["GET /cluster/tasks"]
		table := counts["GET /cluster/resources"]
		for _, part := range []struct {
			name  string
			count int
		}{{"table", table}, {"task lists", tasks}, {"others", all - tasks - table}} {
			b.results.add(st.scene.name, "requests per cluster and 10 s: "+part.name, "", float64(part.count)/cycles)
		}
		b.tell(counts, c.Name)
	}
	for _, s := range st.simulator.Estate.BackupServers {
		counts, err := st.simulator.Counts(ctx, s.Name)
		if err != nil {
			return err
		}
		b.results.add(st.scene.name, "requests per backup server and 10 s", "", float64(sum(counts))/cycles)
		b.tell(counts, s.Name)
	}
	return nil
}

// tell shows in full what a target was asked, when profiles are wanted.
func (b *bench) tell(counts map[string]int, target string) {
	if b.profiles == "" {
		return
	}
	var parts []string
	for what, n := range counts {
		parts = append(parts, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(parts)
	b.say("%s was asked %s", target, strings.Join(parts, ", "))
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}
