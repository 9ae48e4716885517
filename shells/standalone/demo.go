package main

import (
	"context"
	"fmt"
	"io"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// demonstration is a simulated estate that this process serves, to be watched like a real one.
type demonstration struct{ estate *sim.Estate }

// simulate starts the estate; stop ends it.
func simulate(ctx context.Context) (*demonstration, error) {
	simulated, err := sim.New(sim.Demo())
	if err != nil {
		return nil, fmt.Errorf("simulate an estate: %w", err)
	}
	// It is stopped after the monitor, which would otherwise report all of it as gone at the end.
	if err := simulated.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("simulate an estate: %w", err)
	}
	return &demonstration{estate: simulated}, nil
}

func (d *demonstration) stop() { d.estate.Stop() }

// inMemory returns the environment of a demonstration: without anything that is a person's own data.
func inMemory(getenv func(string) string) func(string) string {
	return func(env string) string {
		switch env {
		case "PULSE_STORE":
			return "memory:"
		case "PULSE_DATA_DIR", "PULSE_STORE_FILE", "PULSE_TARGETS", "PULSE_TARGETS_DATA",
			"PULSE_ENCRYPTION_KEY", "PULSE_ENCRYPTION_KEY_FILE", "PULSE_ENCRYPTION_KEY_PREVIOUS", "PULSE_ENCRYPTION_KEY_PREVIOUS_FILE":
			return ""
		}
		return getenv(env)
	}
}

// watchedBy adds the estate's clusters and backup servers to a monitor, as a person would.
func (d *demonstration) watchedBy(ctx context.Context, m *pulse.Monitor) error {
	for _, c := range d.estate.Clusters() {
		if err := add(ctx, m, estate.PVE, c.Name, c.URL(), c.Credentials[sim.BackupReader]); err != nil {
			return err
		}
	}
	for _, s := range d.estate.BackupServers() {
		if err := add(ctx, m, estate.PBS, s.Name, s.URL, s.Credentials[sim.Auditor]); err != nil {
			return err
		}
	}
	return nil
}

func add(ctx context.Context, m *pulse.Monitor, kind estate.TargetKind, name, address string, c sim.Credential) error {
	secret := config.NewSecret(c.TokenSecret)
	_, err := m.AddTarget(ctx, kind, pulse.TargetPatch{
		Name: &name, Address: &address, TokenID: &c.TokenID, TokenSecret: &secret,
	})
	if err != nil {
		return fmt.Errorf("watch the simulated %s: %w", name, err)
	}
	return nil
}

// explain writes what a person can try; curl begins a command that asks Pulse. The credentials are those of the simulation and open nothing else.
func (d *demonstration) explain(w io.Writer, curl string) {
	_, _ = fmt.Fprintf(w, "Pulse watches a simulated estate; nothing is kept.\n\n  %s/api/state\n\n", curl)
	_, _ = fmt.Fprint(w, "Its members, each with a user that may do everything:\n\n")
	for _, c := range d.estate.Clusters() {
		admin := c.Credentials[sim.Admin]
		for _, n := range c.Nodes {
			_, _ = fmt.Fprintf(w, "  pve  %-8s %-6s %s  %s  password %s\n", c.Name, n.Name, n.URL, admin.User, admin.Password)
		}
	}
	for _, s := range d.estate.BackupServers() {
		admin := s.Credentials[sim.Admin]
		_, _ = fmt.Fprintf(w, "  pbs  %-8s %-6s %s  %s  password %s\n", s.Name, "", s.URL, admin.User, admin.Password)
	}
	d.explainStop(w)
}

// explainStop writes how to stop a guest, and to start it again.
func (d *demonstration) explainStop(w io.Writer) {
	cluster := d.estate.Clusters()[0]
	guests, err := d.estate.Guests(cluster.Name)
	if err != nil {
		return // the cluster was asked for by its own name
	}
	for _, g := range guests {
		if g.Status != estate.GuestRunning || g.Lock != "" {
			continue
		}
		admin := cluster.Credentials[sim.Admin]
		_, _ = fmt.Fprintf(w, "\nStop the guest %s as its owner would (start it again with \"start\" at the end), and see it change:\n\n", g.Name)
		_, _ = fmt.Fprintf(w, "  curl -k -X POST -H 'Authorization: PVEAPIToken=%s=%s' \\\n    %s/api2/json/nodes/%s/%s/%d/status/stop\n\n",
			admin.TokenID, admin.TokenSecret, cluster.URL(), g.Node, g.Type, g.VMID)
		return
	}
}
