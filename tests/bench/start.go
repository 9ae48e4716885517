package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// state is as much of /api/state as tells whether it is complete.
type state struct {
	Nodes      []named  `json:"nodes"`
	VMs        []named  `json:"vms"`
	Containers []named  `json:"containers"`
	Storage    []named  `json:"storage"`
	PBS        []named  `json:"pbs"`
	Targets    []status `json:"targets"`
}

type named struct {
	Name string `json:"name"`
}

type status struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// missing says what a state lacks.
func (s *state) missing(e estate) error {
	for _, t := range s.Targets {
		if t.Status == "pending" {
			return errors.New("a target was not read")
		}
	}
	for _, part := range []struct {
		name      string
		got, want int
	}{
		{"nodes", len(s.Nodes), e.clusters * e.nodes},
		{"guests", len(s.VMs) + len(s.Containers), e.guests},
		{"storages", len(s.Storage), e.clusters * e.nodes}, // at least one on each node
		{"backup servers", len(s.PBS), e.backupServers},
	} {
		if part.got < part.want {
			return fmt.Errorf("%d of %d %s", part.got, part.want, part.name)
		}
	}
	return nil
}

// awaitComplete waits until the state holds all nodes, guests and storages, and returns how long that took from the
// start of the process. It asks whether all targets were read before it asks for the state, which is dear.
func (st *stage) awaitComplete(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := st.pulse.AwaitReady(ctx); err != nil {
		return 0, err
	}
	var took time.Duration
	err := lab.Await(ctx, "the complete state", func(ctx context.Context) error {
		reply, err := st.pulse.Get(ctx, "/api/state")
		took = time.Since(st.began)
		if err != nil {
			return err
		}
		if reply.Status != http.StatusOK {
			return fmt.Errorf("status %d", reply.Status)
		}
		var s state
		if err := reply.JSON(&s); err != nil {
			return err
		}
		return s.missing(st.scene.estate)
	})
	return took, err
}

func (b *bench) measureStart(ctx context.Context, st *stage) error {
	took, err := st.awaitComplete(ctx)
	if err != nil {
		return err
	}
	b.results.add(st.scene.name, "start to all nodes, guests, storages", "s", took.Seconds())
	return nil
}
