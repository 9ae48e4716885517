package collect

import (
	"strconv"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// action is what a task does to a guest.
type action int

const (
	actionNone    action = iota // nothing that shows in the guest's state
	actionChange                // start, stop and the like
	actionCreate                // the guest is there when the task ends
	actionDestroy               // the guest is gone when the task ends well
	actionMigrate               // the guest is on another node when the task ends well
	actionClone                 // another guest, not named by the task, is there when it ends
)

// actionOf reads a task's type, such as qmstart or vzdestroy.
func actionOf(kind string) action {
	if verb, ok := cutAny(kind, "qm", "vz"); ok {
		return guestAction(verb)
	}
	// The HA manager's tasks only ask for what another task then does.
	switch verb, _ := cutAny(kind, "ha-", "ha"); verb {
	case "migrate", "relocate", "start", "stop", "shutdown":
		return actionChange
	}
	return actionNone
}

func guestAction(verb string) action {
	switch verb {
	case "start", "stop", "shutdown", "reboot", "reset", "suspend", "pause", "resume", "rollback", "template":
		return actionChange
	case "create", "restore":
		return actionCreate
	case "destroy":
		return actionDestroy
	case "migrate", "igrate": // PVE's own word for VMs is qmigrate
		return actionMigrate
	case "clone":
		return actionClone
	}
	return actionNone
}

func cutAny(text string, prefixes ...string) (rest string, ok bool) {
	for _, prefix := range prefixes {
		if rest, ok = strings.CutPrefix(text, prefix); ok {
			return rest, true
		}
	}
	return "", false
}

// kindOf is the kind of guest that a task's type speaks of; empty when it does not say.
func kindOf(kind string) estate.GuestKind {
	switch {
	case strings.HasPrefix(kind, "qm"):
		return estate.VM
	case strings.HasPrefix(kind, "vz"):
		return estate.Container
	}
	return ""
}

// vmidOf reads the guest a task works on; 0 when it is about none.
func vmidOf(workerID string) int {
	rest, ok := cutAny(workerID, "vm:", "ct:")
	if !ok {
		rest = workerID
	}
	vmid, err := strconv.Atoi(rest)
	if err != nil || vmid <= 0 {
		return 0
	}
	return vmid
}
