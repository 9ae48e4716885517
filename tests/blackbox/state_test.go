package blackbox

import (
	"fmt"
	"slices"
)

// state is what these tests look at in /api/state.
type state struct {
	Nodes            []stateNode
	VMs              []stateGuest
	Containers       []stateGuest
	Storage          []stateStorage
	PBS              []stateServer
	ConnectionHealth map[string]bool
	Stats            struct{ PollingCycles int }
}

type stateNode struct {
	ID, UID, Name, Instance, Status, Freshness string
}

type stateGuest struct {
	ID, UID, Name, Node, Instance, Status, Type, Freshness string
	VMID                                                   int
	Template                                               bool
}

type stateStorage struct {
	ID, UID, Name, Node, Instance, Status, Freshness string
	Shared, Enabled                                  bool
}

type stateServer struct {
	ID, Name, Status, Freshness string
	Datastores                  []struct{ Name string }
}

// node is what these tests look at in /api/config/nodes.
type node struct {
	ID, Type, Name, Host, User, TokenName, Status, Reason, Error, ClusterName string
	HasPassword, HasToken, Pending                                            bool
}

func (s state) guests() []stateGuest { return slices.Concat(s.VMs, s.Containers) }

// guest is the guest with a VMID at a target; nil when there is none.
func (s state) guest(instance string, vmid int) *stateGuest {
	guests := s.guests()
	i := slices.IndexFunc(guests, func(g stateGuest) bool { return g.Instance == instance && g.VMID == vmid })
	if i < 0 {
		return nil
	}
	return &guests[i]
}

// holdings are what a state shows, each thing in one line, sorted.
func (s state) holdings() []string {
	var out []string
	for _, n := range s.Nodes {
		out = append(out, fmt.Sprintf("node %s of %s: %s", n.Name, n.Instance, n.Status))
	}
	for _, g := range s.guests() {
		out = append(out, guestLine(g.Instance, g.Node, g.Type, g.VMID, g.Name, g.Status, g.Template))
	}
	for _, st := range s.Storage {
		out = append(out, fmt.Sprintf("storage %s of %s on %s", st.Name, st.Instance, st.Node))
	}
	for _, p := range s.PBS {
		for _, d := range p.Datastores {
			out = append(out, fmt.Sprintf("datastore %s of %s: %s", d.Name, p.Name, p.Status))
		}
	}
	slices.Sort(out)
	return out
}

func guestLine(instance, node, kind string, vmid int, name, status string, template bool) string {
	return fmt.Sprintf("%s %d of %s on %s: %s, %s, template %t", kind, vmid, instance, node, name, status, template)
}

// difference tells what is missing and what is too much.
func difference(want, got []string) error {
	if slices.Equal(want, got) {
		return nil
	}
	var missing, extra []string
	for _, w := range want {
		if !slices.Contains(got, w) {
			missing = append(missing, w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			extra = append(extra, g)
		}
	}
	return fmt.Errorf("missing %q, too much %q, %d of %d", missing, extra, len(got), len(want))
}
