// Command watch shows how a program reacts to what happens at Proxmox: it waits for each new picture of the estate,
// compares it with the one before, and tells which guests appeared, vanished, moved, or changed their status.
//
// It watches a simulated estate for ten seconds, in which something happens.
//
//	go run ./examples/watch
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	err := run(ctx, os.Stdout)
	cancel()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "cannot watch:", err)
		os.Exit(1)
	}
}

// run watches a simulated cluster until ctx ends.
func run(ctx context.Context, w io.Writer) error {
	demo := sim.Demo()
	demo.InMemory = true // real TLS and HTTP, but no sockets
	simulated, err := sim.New(demo)
	if err != nil {
		return err
	}
	if err := simulated.Start(ctx); err != nil {
		return err
	}
	defer simulated.Stop()
	monitor, err := pulse.New(pulse.Options{
		Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey()), DialContext: simulated.DialContext,
	})
	if err != nil {
		return err
	}
	home := simulated.Clusters()[0]
	address, auditor := home.URL(), home.Credentials[sim.Auditor]
	secret := config.NewSecret(auditor.TokenSecret)
	if _, err := monitor.AddTarget(ctx, estate.PVE, pulse.TargetPatch{
		Name: &home.Name, Address: &address, TokenID: &auditor.TokenID, TokenSecret: &secret,
	}); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	var runErr error
	running.Go(func() {
		defer cancel() // nothing changes any more
		runErr = monitor.Run(ctx)
	})
	watchErr := watch(ctx, monitor, w, func() error { return disturb(simulated, home.Name) })
	cancel()
	running.Wait()
	return errors.Join(runErr, watchErr)
}

// disturb makes something happen.
func disturb(simulated *sim.Estate, cluster string) error {
	return errors.Join(
		simulated.StopGuest(cluster, 100),
		simulated.MigrateGuest(cluster, 101, "birch"),
		simulated.CreateGuest(cluster, sim.Guest{VMID: 120, Type: "lxc", Name: "newborn", Node: "cedar"}),
		simulated.RemoveGuest(cluster, 112),
	)
}

// watch tells what changes until ctx ends. It calls ready once there is a picture to compare with.
func watch(ctx context.Context, monitor *pulse.Monitor, w io.Writer, ready func() error) error {
	var before map[estate.GuestKey]estate.Guest
	for snapshot := monitor.Snapshot(); ; {
		now := guests(snapshot)
		var err error
		switch {
		case before != nil:
			err = tell(w, before, now)
		case len(now) > 0:
			err = ready()
		}
		if err != nil {
			return err
		}
		if before != nil || len(now) > 0 {
			before = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-snapshot.Superseded():
			snapshot = monitor.Snapshot() // the newest one: whoever is slow skips what came in between
		}
	}
}

// guests are all guests of a snapshot. A key stays with a guest that moves or gets another name.
func guests(snapshot *pulse.Snapshot) map[estate.GuestKey]estate.Guest {
	all := map[estate.GuestKey]estate.Guest{}
	for _, target := range snapshot.Targets {
		if target.Observation == nil {
			continue
		}
		for _, guest := range target.Observation.Guests {
			all[guest.Key(target.Config.ID)] = guest
		}
	}
	return all
}

// tell writes a line for each guest that is another one, elsewhere or otherwise than before.
func tell(w io.Writer, before, now map[estate.GuestKey]estate.Guest) (err error) {
	write := func(guest estate.Guest, what string) {
		_, writeErr := fmt.Fprintf(w, "guest %s %s\n", guest.Name, what)
		err = errors.Join(err, writeErr)
	}
	for key, guest := range before {
		if _, there := now[key]; !there {
			write(guest, "vanished")
		}
	}
	for key, guest := range now {
		old, known := before[key]
		switch {
		case !known:
			write(guest, "appeared on "+guest.Node)
		case guest.Node != old.Node:
			write(guest, "moved from "+old.Node+" to "+guest.Node)
		case guest.Status != old.Status:
			write(guest, guest.Status)
		}
	}
	return err
}
