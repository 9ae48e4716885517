package pulse

import "fmt"

// Role narrows what a monitor does that shares its store with others.
type Role string

// The roles. Every role follows what the others observe and change.
const (
	RoleAll    Role = "all"    // takes its share of the targets, and has everything to serve
	RoleAPI    Role = "api"    // reads no target
	RolePoller Role = "poller" // takes its share of the targets; the program around it serves nothing
)

// ParseRole returns the role of a name; the empty name is [RoleAll].
func ParseRole(name string) (Role, error) {
	switch role := Role(name); role {
	case "":
		return RoleAll, nil
	case RoleAll, RoleAPI, RolePoller:
		return role, nil
	}
	return "", fmt.Errorf("unknown role %q: want all, api or poller", name)
}

// polls tells whether the role reads targets.
func (r Role) polls() bool { return r != RoleAPI }
