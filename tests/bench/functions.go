package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

const (
	coldStarts  = 10 // new instances that are measured
	warmEvents  = 50 // events that one instance gets after that, of each kind
	pollingTime = 20 * time.Second
)

// cloud is one estate, the Redis that holds what is known of it, and what both functions are run with.
type cloud struct {
	scene     scene
	simulator *lab.Simulator
	redis     *lab.Redis
	env       map[string]string
	// The programs, built as for a release.
	lambda, poller string
}

// measureFunctions measures the functions of AWS Lambda, behind a simulated platform on this machine, which is faster
// than the smaller sizes of Lambda.
func (b *bench) measureFunctions(ctx context.Context, s scene) (err error) {
	c, err := b.openCloud(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	if err := b.measurePoller(ctx, c); err != nil {
		return err
	}
	return b.measureGateway(ctx, c)
}

func (b *bench) openCloud(ctx context.Context, s scene) (_ *cloud, err error) {
	dir, err := os.MkdirTemp(b.dir, "cloud-*")
	if err != nil {
		return nil, err
	}
	c := &cloud{scene: s, lambda: filepath.Join(dir, "lambda", "bootstrap"), poller: filepath.Join(dir, "poller", "bootstrap")}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	for name, path := range map[string]string{"lambda": c.lambda, "poller": c.poller} {
		source := "github.com/proxpulse/proxpulse/shells/" + name
		if err := lab.BuildProgram(ctx, path, source, "-tags", "lambda.norpc", "-ldflags", "-s -w"); err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		b.results.add(s.name, name+": size of the binary", "MB", float64(info.Size())/1e6)
	}
	if c.simulator, err = lab.StartSimulator(ctx, b.programs, s.args()...); err != nil {
		return nil, err
	}
	if c.redis, err = lab.StartRedis(ctx, lab.RedisOptions{Dir: dir}); err != nil {
		return nil, err
	}
	targets := filepath.Join(dir, "targets.json")
	if err := lab.WriteTargets(targets, lab.Declare(c.simulator.Estate, sim.BackupReader)); err != nil {
		return nil, err
	}
	c.env = map[string]string{
		"PULSE_STORE": c.redis.URL(), "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(),
		"API_TOKEN": token, "PULSE_TARGETS": targets,
	}
	return c, nil
}

func (c *cloud) close() {
	if c.redis != nil {
		c.redis.Kill()
	}
	if c.simulator != nil {
		c.simulator.Kill()
	}
}

// measurePoller measures how long it takes from the event of a schedule until everything can be read, by a new instance
// and from an empty store.
func (b *bench) measurePoller(ctx context.Context, c *cloud) (err error) {
	gateway, err := lab.StartFunction(ctx, c.lambda, lab.FunctionOptions{Env: c.env})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gateway.Stop(ctx)) }()
	poller, err := lab.StartFunction(ctx, c.poller, lab.FunctionOptions{Env: c.env, Timeout: pollingTime})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, poller.Stop(ctx)) }()
	b.addMillis(c.scene, "poller: init", poller.Instances()[0].InitTime)

	began, polled := time.Now(), make(chan error, 1)
	go func() { // ends with the invocation, which is waited for
		_, err := poller.Invoke(ctx, []byte(`{"detail-type":"Scheduled Event","source":"aws.events"}`))
		polled <- err
	}()
	awaiting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	awaitErr := lab.Await(awaiting, "the complete state", func(ctx context.Context) error {
		_, err := c.read(ctx, gateway, "identity")
		return err
	})
	took := time.Since(began)
	used, cpuErr := cpuTime(poller.Instances()[0].PID())
	if err := errors.Join(awaitErr, cpuErr, <-polled); err != nil {
		return err
	}
	b.addMillis(c.scene, "poller: event to everything readable", took)
	b.addMillis(c.scene, "poller: CPU from its start until then", used)
	return nil
}

// measureGateway measures the API's function with what the poller left in the store.
func (b *bench) measureGateway(ctx context.Context, c *cloud) error {
	for range coldStarts {
		if err := b.measureInstance(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// measureInstance measures a new instance: its init, its first answer, and those after it.
func (b *bench) measureInstance(ctx context.Context, c *cloud) (err error) {
	f, err := lab.StartFunction(ctx, c.lambda, lab.FunctionOptions{Env: c.env})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Stop(ctx)) }()
	init := f.Instances()[0].InitTime
	b.addMillis(c.scene, "lambda: init", init)
	first, err := c.read(ctx, f, "gzip")
	if err != nil {
		return err
	}
	b.addMillis(c.scene, "lambda: /api/state, first event, gzip", first)
	b.addMillis(c.scene, "lambda: cold start with /api/state, gzip", init+first)
	for range warmEvents / coldStarts {
		for _, coding := range []string{"gzip", "identity"} {
			took, err := c.read(ctx, f, coding)
			if err != nil {
				return err
			}
			b.addMillis(c.scene, "lambda: /api/state, warm, "+coding, took)
		}
	}
	return nil
}

func (b *bench) addMillis(s scene, what string, took time.Duration) {
	b.results.add(s.name, what, "ms", float64(took.Microseconds())/1e3)
}

// read asks a function for the state, and tells how long that took. A state that is not complete is an error.
func (c *cloud) read(ctx context.Context, f *lab.Function, coding string) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://pulse.example.com/api/state", http.NoBody)
	if err != nil {
		return 0, err
	}
	r.RemoteAddr = "192.0.2.1:1"
	r.Header.Set("X-API-Token", token)
	r.Header.Set("Accept-Encoding", coding)
	event, err := lab.FunctionURL.Event(r)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	output, err := f.Invoke(ctx, event)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d: %.200s", answer.StatusCode, answer.Body)
	}
	if coding != "identity" {
		return took, nil
	}
	var s state
	if err := json.Unmarshal([]byte(answer.Body), &s); err != nil {
		return 0, err
	}
	return took, s.missing(c.scene.estate)
}
