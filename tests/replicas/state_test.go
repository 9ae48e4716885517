package replicas

import (
	"fmt"
	"slices"
	"time"
)

// state is what these tests look at in /api/state.
type state struct {
	VMs, Containers []guest
	PBS             []struct{ Name, Freshness string }
	Targets         []struct{ ID, Name, Status string }
	Stats           struct{ PollingCycles int }
}

type guest struct {
	ID, Name, Instance, Status, Freshness string
	VMID                                  int
	LastSeen                              time.Time
}

// node is what these tests look at in /api/config/nodes.
type node struct {
	ID, Type, Name, Host, TokenName, Status string
	HasToken                                bool
}

func (s state) guests() []guest { return slices.Concat(s.VMs, s.Containers) }

// guest is the guest with a VMID at a target; nil when there is none.
func (s state) guest(target string, vmid int) *guest {
	guests := s.guests()
	i := slices.IndexFunc(guests, func(g guest) bool { return g.Instance == target && g.VMID == vmid })
	if i < 0 {
		return nil
	}
	return &guests[i]
}

// holdings are the guests that a state shows, each in one line, sorted.
func (s state) holdings() []string {
	var lines []string
	for _, g := range s.guests() {
		lines = append(lines, guestLine(g.Instance, g.VMID, g.Name, g.Status))
	}
	return sorted(lines)
}

func guestLine(target string, vmid int, name, status string) string {
	return fmt.Sprintf("%d of %s: %s, %s", vmid, target, name, status)
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// difference tells what is missing and what is too much.
func difference(want, got []string) error {
	missing := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return slices.Contains(got, line) })
	extra := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return slices.Contains(want, line) })
	if len(missing)+len(extra) == 0 && len(want) == len(got) {
		return nil
	}
	return fmt.Errorf("missing %q, too much %q, %d of %d", missing, extra, len(got), len(want))
}
