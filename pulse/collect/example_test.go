package collect_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/proxpulse/proxpulse/pulse/collect"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// One pass over a simulated cluster. A monitor makes one every ten seconds, each from the observation before it.
func ExampleCollector_Collect() {
	simulated, err := sim.New(sim.Config{Seed: 1, InMemory: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	cluster := simulated.Clusters()[0]
	who := cluster.Credentials[sim.Auditor]
	client, err := proxmox.New(proxmox.Options{
		Kind: proxmox.PVE, Address: cluster.URL(),
		Credential:   proxmox.Credential{TokenID: who.TokenID, TokenSecret: proxmox.Secret(who.TokenSecret)},
		RoundTripper: func(string) http.RoundTripper { return simulated },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	collector := collect.New(collect.Options{
		Target: "pve-0", Client: client, Account: who.TokenID, Collect: config.CollectAll(estate.PVE),
	})
	observation := collector.Collect(context.Background(), nil)
	fmt.Println(observation.Poll.OK(), len(observation.Nodes), "nodes,", len(observation.Guests), "guests")
	// Output: true 3 nodes, 12 guests
}
