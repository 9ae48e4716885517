package estate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// estateOf returns an observation with one of each thing.
func estateOf() *estate.Observation {
	return &estate.Observation{
		Nodes:    []estate.Node{{Name: "a", Status: estate.NodeOnline}},
		Guests:   []estate.Guest{{VMID: 100, Name: "web", Node: "a", Status: estate.GuestRunning, Tags: []string{"x"}}},
		Storages: []estate.Storage{{Name: "local", Node: "a", Active: true, Enabled: true}},
		Server:   &estate.Server{Datastores: []estate.Datastore{{Name: "main"}}},
	}
}

func TestSameStructure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*estate.Observation)
		want   bool
	}{
		{"nothing", func(*estate.Observation) {}, true},
		{"numbers", func(o *estate.Observation) {
			o.Nodes[0].CPUFraction = estate.Some(0.5)
			o.Guests[0].MemUsedBytes = estate.Some(int64(1))
			o.Storages[0].UsedBytes = estate.Some(int64(1))
			o.Server.Datastores[0].UsedBytes = estate.Some(int64(1))
		}, true},
		{"ages", func(o *estate.Observation) {
			o.Poll.Ended, o.Nodes[0].Seen.At = time.Unix(1, 0), time.Unix(1, 0)
		}, true},
		{"failed pass", func(o *estate.Observation) { o.Poll.Reason = estate.ReasonTimeout }, false},
		{"degraded pass", func(o *estate.Observation) { o.Poll.Degraded = "tasks" }, false},
		{"node status", func(o *estate.Observation) { o.Nodes[0].Status = estate.NodeOffline }, false},
		{"new node", func(o *estate.Observation) { o.Nodes = append(o.Nodes, estate.Node{Name: "b"}) }, false},
		{"guest status", func(o *estate.Observation) { o.Guests[0].Status = estate.GuestStopped }, false},
		{"guest migrated", func(o *estate.Observation) { o.Guests[0].Node = "b" }, false},
		{"guest renamed", func(o *estate.Observation) { o.Guests[0].Name = "www" }, false},
		{"guest recreated", func(o *estate.Observation) { o.Guests[0].Generation = 1 }, false},
		{"guest locked", func(o *estate.Observation) { o.Guests[0].Lock = "backup" }, false},
		{"guest tagged", func(o *estate.Observation) { o.Guests[0].Tags = []string{"x", "y"} }, false},
		{"guest removed", func(o *estate.Observation) { o.Guests = nil }, false},
		{"storage gone", func(o *estate.Observation) { o.Storages[0].Active = false }, false},
		{"storage disabled", func(o *estate.Observation) { o.Storages[0].Enabled = false }, false},
		{"server never answered", func(o *estate.Observation) { o.Server = nil }, false},
		{"datastore in maintenance", func(o *estate.Observation) { o.Server.Datastores[0].Maintenance = "offline" }, false},
		{"datastore unreadable", func(o *estate.Observation) { o.Server.Datastores[0].Error = "x" }, false},
		{"new datastore", func(o *estate.Observation) {
			o.Server.Datastores = append(o.Server.Datastores, estate.Datastore{Name: "second"})
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before, after := estateOf(), estateOf()
			tt.change(after)
			require.Equal(t, tt.want, estate.SameStructure(before, after))
			require.Equal(t, tt.want, estate.SameStructure(after, before))
		})
	}
}
