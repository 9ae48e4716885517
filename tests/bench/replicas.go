package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// replicated is one estate with the replicas that watch it and the Redis that they share. Each replica reaches Redis by
// a proxy of its own, which counts what it sends.
type replicated struct {
	scene     scene
	simulator *lab.Simulator
	redis     *lab.Redis
	replicas  []replica
}

type replica struct {
	*lab.Pulse
	proxy *lab.Proxy
	tap   *tap
}

// openReplicas starts the simulator, Redis and the replicas.
func (b *bench) openReplicas(ctx context.Context, s scene) (_ *replicated, err error) {
	simulator, err := lab.StartSimulator(ctx, b.programs, s.args()...)
	if err != nil {
		return nil, err
	}
	r := &replicated{scene: s, simulator: simulator}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(ctx))
		}
	}()
	dir, err := os.MkdirTemp(b.dir, "redis-*")
	if err != nil {
		return nil, err
	}
	if r.redis, err = lab.StartRedis(ctx, lab.RedisOptions{Dir: dir, Keeps: true}); err != nil {
		return nil, err
	}
	targets := filepath.Join(dir, "targets.json")
	if err := lab.WriteTargets(targets, lab.Declare(simulator.Estate, sim.BackupReader)); err != nil {
		return nil, err
	}
	key := config.NewKey().Encode()
	for range s.replicas {
		if err := b.openReplica(ctx, r, targets, key); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (b *bench) openReplica(ctx context.Context, r *replicated, targets, key string) error {
	t := newTap()
	proxy, err := lab.StartProxy(ctx, lab.ProxyOptions{Target: r.redis.Address(), Tap: t.sent})
	if err != nil {
		return err
	}
	pulse, err := lab.StartPulse(ctx, b.programs, lab.PulseOptions{
		Token: token, Targets: targets, Env: map[string]string{
			"PULSE_STORE": r.redis.URLAt(proxy.Address()), "PULSE_ENCRYPTION_KEY": key, "PROFILE_DIR": b.profiles,
		},
	})
	if err != nil {
		proxy.Close()
		return err
	}
	r.replicas = append(r.replicas, replica{Pulse: pulse, proxy: proxy, tap: t})
	return nil
}

// close ends all programs.
func (r *replicated) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer cancel()
	var failures []error
	for _, p := range r.replicas {
		if err := p.Stop(ctx); err != nil {
			failures = append(failures, fmt.Errorf("stop Pulse: %w", err))
		}
		p.Kill()
		p.proxy.Close()
	}
	if r.redis != nil {
		r.redis.Kill()
	}
	r.simulator.Kill()
	return errors.Join(failures...)
}

// measureReplicas measures once what replicas cost that share a Redis, and how soon one shows what another has read.
func (b *bench) measureReplicas(ctx context.Context, s scene) (err error) {
	r, err := b.openReplicas(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	for _, p := range r.replicas {
		st := stage{scene: s, pulse: p.Pulse, simulator: r.simulator, began: time.Now()}
		if _, err := st.awaitComplete(ctx); err != nil {
			return err
		}
	}
	if err := pause(ctx, b.warmUp); err != nil {
		return err
	}
	if err := b.measureTraffic(ctx, r); err != nil {
		return err
	}
	return b.measureNews(ctx, r)
}

// reading is what was used up to a moment.
type reading struct {
	redis   lab.RedisTraffic
	tallies []tally
	cpu     []time.Duration // of each replica, and of Redis
}

func (r *replicated) read(ctx context.Context) (reading, error) {
	var out reading
	var err error
	if out.redis, err = r.redis.Traffic(ctx); err != nil {
		return out, err
	}
	for _, p := range r.replicas {
		sum, err := p.tap.tally()
		if err != nil {
			return out, err
		}
		used, err := cpuTime(p.PID())
		if err != nil {
			return out, err
		}
		out.tallies, out.cpu = append(out.tallies, sum), append(out.cpu, used)
	}
	used, err := cpuTime(r.redis.Process().PID())
	out.cpu = append(out.cpu, used)
	return out, err
}

// measureTraffic measures what passes between the replicas and Redis while nobody asks them anything.
func (b *bench) measureTraffic(ctx context.Context, r *replicated) error {
	before, err := r.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, b.steady); err != nil {
		return err
	}
	cycles := time.Since(began).Seconds() / cycle.Seconds()
	after, err := r.read(ctx)
	if err != nil {
		return err
	}
	targets := float64(r.scene.estate.clusters + r.scene.estate.backupServers)
	guests := float64(r.scene.estate.guests)
	var sum tally
	names := map[string]traffic{}
	for i := range r.replicas {
		part := after.tallies[i].since(before.tallies[i])
		sum.all.commands, sum.all.bytes = sum.all.commands+part.all.commands, sum.all.bytes+part.all.bytes
		sum.states.commands, sum.states.bytes = sum.states.commands+part.states.commands, sum.states.bytes+part.states.bytes
		for name, n := range part.counts {
			names[name] = traffic{names[name].commands + n.commands, names[name].bytes + n.bytes}
		}
		perGuest := (after.cpu[i] - before.cpu[i]).Seconds() * 1e6 / guests / cycles
		b.results.add(r.scene.name, "CPU of a replica per guest and 10 s, no client", "us", perGuest)
	}
	last := len(r.replicas)
	b.results.add(r.scene.name, "CPU of Redis per guest and 10 s", "us", (after.cpu[last]-before.cpu[last]).Seconds()*1e6/guests/cycles)
	per := func(what, unit string, n int64, of float64) {
		b.results.add(r.scene.name, what, unit, float64(n)/of/cycles)
	}
	per("commands to Redis per target and cycle: those that write state", "", sum.states.commands, targets)
	per("commands to Redis per target and cycle: all", "", sum.all.commands, targets)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		per("commands to Redis per target and cycle: "+name, "", names[name].commands, targets)
	}
	per("bytes to Redis per guest and cycle: those that write state", "B", sum.states.bytes, guests)
	per("bytes to Redis per target and cycle: those that write state", "B", sum.states.bytes, targets)
	per("bytes to Redis per target and cycle: all", "B", sum.all.bytes, targets)
	per("bytes from Redis per target and cycle", "B", after.redis.SentBytes-before.redis.SentBytes, targets)
	return nil
}
