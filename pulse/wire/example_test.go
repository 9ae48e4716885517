package wire_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/wire"
)

func Example() {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	encoder := wire.NewEncoder()
	encoder.Update(
		wire.Target{ID: "pve-0", Name: "home", Slug: "home", Horizon: estate.HorizonFor(10 * time.Second)},
		&estate.Observation{
			Target: "pve-0",
			Poll:   estate.Poll{LastSuccess: now},
			Guests: []estate.Guest{{
				VMID: 100, Kind: estate.VM, Name: "web", Node: "pve1", Status: estate.GuestRunning, Seen: estate.Seen{At: now},
			}},
		}, now)
	snapshot := encoder.Publish(now, wire.Stats{StartTime: now, Version: "5.0.0"})

	var state struct {
		VMs []struct{ ID, UID, Status, Freshness string }
	}
	if err := json.Unmarshal(snapshot.State().Plain(), &state); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", state.VMs)
	resource, _ := snapshot.Find("home-pve1-100")
	fmt.Println(resource.UID)
	// Output:
	// [{ID:home-pve1-100 UID:pve-0/guest/100/0 Status:running Freshness:live}]
	// pve-0/guest/100/0
}
