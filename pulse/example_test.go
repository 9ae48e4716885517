package pulse_test

import (
	"context"
	"fmt"
	"log"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	// Something to watch: a simulated estate that answers in memory.
	demo := sim.Demo()
	demo.InMemory = true
	simulated, err := sim.New(demo)
	if err != nil {
		log.Fatal(err)
	}
	if err := simulated.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer simulated.Stop()

	m, err := pulse.New(pulse.Options{
		Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey()), DialContext: simulated.DialContext,
	})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()

	home := simulated.Clusters()[0]
	address, credential := home.URL(), home.Credentials[sim.Auditor]
	secret := config.NewSecret(credential.TokenSecret)
	target, err := m.AddTarget(ctx, estate.PVE, pulse.TargetPatch{
		Address: &address, TokenID: &credential.TokenID, TokenSecret: &secret,
	})
	if err != nil {
		log.Fatal(err)
	}

	snapshot := m.Snapshot()
	for state, _ := snapshot.Target(target.ID); state.Status == pulse.Pending; state, _ = snapshot.Target(target.ID) {
		<-snapshot.Superseded()
		snapshot = m.Snapshot()
	}
	state, _ := snapshot.Target(target.ID)
	fmt.Println(target.ID, state.Status)
	for _, node := range state.Observation.Nodes {
		fmt.Println(node.Name, node.Status)
	}
	cancel()
	fmt.Println(<-done)
	// Output:
	// pve-0 connected
	// alder online
	// birch online
	// cedar online
	// <nil>
}
