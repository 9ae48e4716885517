// Command embed shows how a program watches Proxmox with the library: it makes one pass over a target and prints its
// guests. Nothing runs in the background and nothing is kept.
//
// Without settings it asks a simulated estate. To ask a real one:
//
//	PVE_HOST=https://pve1.example.com:8006 PVE_TOKEN_ID='monitor@pve!pulse' PVE_TOKEN_SECRET=… go run ./examples/embed
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Getenv, os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "cannot list the guests:", err)
		os.Exit(1)
	}
}

// run lists the guests of the host in the environment, or of a simulated estate.
func run(ctx context.Context, getenv func(string) string, w io.Writer) error {
	if host := getenv("PVE_HOST"); host != "" {
		return list(ctx, w, host, getenv("PVE_TOKEN_ID"), getenv("PVE_TOKEN_SECRET"), nil)
	}
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
	cluster := simulated.Clusters()[0]
	auditor := cluster.Credentials[sim.Auditor]
	return list(ctx, w, cluster.URL(), auditor.TokenID, auditor.TokenSecret, simulated.DialContext)
}

// dialer opens a connection, as [net.Dialer.DialContext] does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// list makes one pass over a host and prints its guests.
func list(ctx context.Context, w io.Writer, host, tokenID, tokenSecret string, dial dialer) error {
	monitor, err := pulse.New(pulse.Options{
		Store:       store.NewMemory(),
		Keyring:     config.NewKeyring(config.NewKey()), // seals the token, also in a store that is kept
		DialContext: dial,
	})
	if err != nil {
		return err
	}
	secret := config.NewSecret(tokenSecret)
	target, err := monitor.AddTarget(ctx, estate.PVE, pulse.TargetPatch{
		Address: &host, TokenID: &tokenID, TokenSecret: &secret,
	})
	if err != nil {
		return err
	}
	// A program that stays calls Run instead, and reads a Snapshot whenever it likes.
	if err := monitor.Poll(ctx); err != nil {
		return err
	}
	state, _ := monitor.Snapshot().Target(target.ID)
	if state.Status == pulse.Disconnected {
		return errors.New(state.Reason)
	}
	for _, guest := range state.Observation.Guests {
		_, err := fmt.Fprintf(w, "%-4s %d  %-18s  %-5s  %s\n", guest.Kind, guest.VMID, guest.Name, guest.Node, guest.Status)
		if err != nil {
			return err
		}
	}
	return nil
}
