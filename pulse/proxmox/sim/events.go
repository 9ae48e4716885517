package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// errExists tells that a VMID is taken.
var errExists = errors.New("VMID is in use")

// worker is the user under which events create their tasks.
const worker = "root@pam"

// boot restarts a guest's clocks and counters.
func (g *guest) boot(now time.Time) {
	g.live.status, g.live.started, g.live.countersSince = statusRunning, now, now
	g.live.paused = time.Time{}
}

// halt stops a guest.
func (g *guest) halt() {
	g.live.status = statusStopped
	g.live.paused = time.Time{}
}

// taskKind is the task type for an action, such as qmstart or vzstart.
func (g *guest) taskKind(action string) string {
	switch {
	case g.kind == typeContainer:
		return "vz" + action
	case action == "migrate":
		return "qmigrate" // with one m only
	}
	return "qm" + action
}

// changeGuest runs change on a guest under the cluster's lock.
func (e *Estate) changeGuest(clusterName string, vmid int, change func(c *cluster, g *guest, now time.Time, tick int64) error) error {
	c, err := e.cluster(clusterName)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, tick := c.now()
	g, err := c.findGuest(vmid)
	if err != nil {
		return err
	}
	if err := change(c, g, now, tick); err != nil {
		return err
	}
	c.revision++
	return nil
}

// act starts the task of an action on a guest; when it ends, end runs and the
// guest's own status tells, while the resources follow with the next tick.
func (c *cluster) act(g *guest, action, user, token string, now time.Time, end func(at time.Time)) *task {
	t := &task{kind: g.taskKind(action), id: fmt.Sprint(g.vmid), user: user, token: token}
	t.done = func(at time.Time) {
		if c.guests[g.vmid] != g {
			return
		}
		end(at)
		if c.guests[g.vmid] == g {
			c.touch(g, c.clk.at(at))
		}
	}
	return c.begin(c.node(g.node), t, now)
}

func (c *cluster) stop(g *guest, action, user, token string, now time.Time) *task {
	return c.act(g, action, user, token, now, func(time.Time) { g.halt() })
}

func (c *cluster) start(g *guest, user, token string, now time.Time) *task {
	return c.act(g, "start", user, token, now, g.boot)
}

// StopGuest stops a guest with a task, as the stop button does.
func (e *Estate) StopGuest(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, _ int64) error {
		c.stop(g, "stop", worker, "", now)
		return nil
	})
}

// StartGuest starts a guest with a task.
func (e *Estate) StartGuest(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, _ int64) error {
		c.start(g, worker, "", now)
		return nil
	})
}

// StopGuestSilently stops a guest from inside: no task tells of it.
func (e *Estate) StopGuestSilently(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, _ time.Time, tick int64) error {
		g.halt()
		c.touch(g, tick)
		return nil
	})
}

// SetGuestStatus sets a VM's finer status, such as "paused" or "io-error",
// without a task. "running" resumes it.
func (e *Estate) SetGuestStatus(clusterName string, vmid int, status string) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, tick int64) error {
		if !g.live.alive() {
			return fmt.Errorf("guest %d of %s is stopped", vmid, clusterName)
		}
		g.live.status, g.live.paused = status, time.Time{}
		if status != statusRunning {
			g.live.paused = now
		}
		c.touch(g, tick)
		return nil
	})
}

// MigrateGuest moves a guest to another member with a task on the old one. Its
// node changes at once when the task ends; a migrated VM is a new process, so
// its uptime and counters start again.
func (e *Estate) MigrateGuest(clusterName string, vmid int, target string) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, tick int64) error {
		if _, err := c.findNode(target); err != nil {
			return err
		}
		if g.lock == "" {
			g.lock = "migrate"
			c.touch(g, tick)
		}
		c.act(g, "migrate", worker, "", now, func(at time.Time) {
			g.node, g.lock = target, ""
			if g.live.alive() {
				g.live.started, g.live.countersSince = at, at
			}
		})
		return nil
	})
}

// CreateGuest creates a guest with a task. It is listed as soon as the task
// begins, with status unknown and without a name until pvestatd has seen it.
// Missing sizes get defaults; a status of "running" starts it.
func (e *Estate) CreateGuest(clusterName string, want Guest) error {
	c, err := e.cluster(clusterName)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, tick := c.now()
	if c.guests[want.VMID] != nil {
		return fmt.Errorf("guest %d of %s: %w", want.VMID, clusterName, errExists)
	}
	if _, err := c.findNode(want.Node); err != nil {
		return err
	}
	return c.create(want, now, tick)
}

// create adds the guest and its task. The caller holds mu.
func (c *cluster) create(want Guest, now time.Time, tick int64) error {
	if want.Type != typeVM && want.Type != typeContainer {
		return fmt.Errorf("guest %d of %s: type is %q, want qemu or lxc", want.VMID, c.name, want.Type)
	}
	g := newGuest(c.chance.of(uint64(want.VMID), uint64(now.UnixNano())), want, now)
	g.live.status, g.created = statusStopped, now
	c.add(g)
	c.touch(g, tick)
	c.act(g, "create", worker, "", now, func(at time.Time) {
		if want.Status == statusRunning {
			g.boot(at)
		}
	})
	return nil
}

// RemoveGuest destroys a guest with a task, stopping it first if it runs.
func (e *Estate) RemoveGuest(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, _ int64) error {
		c.act(g, "destroy", worker, "", now, func(time.Time) { c.remove(vmid) })
		return nil
	})
}

// RecreateGuest destroys a guest and creates another one of the same VMID,
// type, name and node, with both tasks. The old one is gone at once.
func (e *Estate) RecreateGuest(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, tick int64) error {
		want := g.info()
		c.remove(vmid)
		n := c.node(g.node)
		c.begin(n, &task{kind: g.taskKind("destroy"), id: fmt.Sprint(vmid), user: worker}, now)
		return c.create(want, now, tick)
	})
}

// ResetCounters makes a guest's traffic counters start from zero while its
// uptime goes on, as a hot-plugged network card does.
func (e *Estate) ResetCounters(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, tick int64) error {
		g.live.countersSince = now
		c.touch(g, tick)
		return nil
	})
}

// RenameGuest changes a guest's name without a task.
func (e *Estate) RenameGuest(clusterName string, vmid int, name string) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, _ time.Time, tick int64) error {
		g.live.name = name
		c.touch(g, tick)
		return nil
	})
}

// SetGuestLock sets a guest's lock, such as "backup"; empty unlocks it.
func (e *Estate) SetGuestLock(clusterName string, vmid int, lock string) error {
	return e.changeGuest(clusterName, vmid, func(_ *cluster, g *guest, _ time.Time, _ int64) error {
		g.lock = lock
		return nil
	})
}

// SetGuestTags sets a guest's tags, separated by semicolons.
func (e *Estate) SetGuestTags(clusterName string, vmid int, tags string) error {
	return e.changeGuest(clusterName, vmid, func(_ *cluster, g *guest, _ time.Time, _ int64) error {
		g.tags = tags
		return nil
	})
}

// SnapshotGuest takes a snapshot of a guest with a task.
func (e *Estate) SnapshotGuest(clusterName string, vmid int, name string) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, _ int64) error {
		c.act(g, "snapshot", worker, "", now, func(at time.Time) {
			parent := ""
			if len(g.snapshots) > 0 {
				parent = g.snapshots[len(g.snapshots)-1].name
			}
			g.snapshots = append(slices.Clip(g.snapshots), guestSnapshot{name: name, parent: parent, taken: at})
		})
		return nil
	})
}

// AgentHang makes a VM's guest agent stop (or start) answering.
func (e *Estate) AgentHang(clusterName string, vmid int, hung bool) error {
	return e.changeGuest(clusterName, vmid, func(_ *cluster, g *guest, _ time.Time, _ int64) error {
		g.agentHangs = hung
		return nil
	})
}

// MonitorSilent makes a VM's QMP stop (or start) answering: disk counters are
// published as 0 and memory as the host sees it, while the rest goes on.
func (e *Estate) MonitorSilent(clusterName string, vmid int, silent bool) error {
	return e.changeGuest(clusterName, vmid, func(_ *cluster, g *guest, _ time.Time, _ int64) error {
		g.qmpSilent = silent
		return nil
	})
}

// AddTask records a task on a member that ended now with the given status
// ("OK" or an error text) and changes nothing else. It returns the UPID.
func (e *Estate) AddTask(clusterName, nodeName, kind, id, status string) (string, error) {
	var upid string
	err := e.changeNode(clusterName, nodeName, func(c *cluster, n *node, now time.Time, _ int64) {
		upid = c.begin(n, &task{kind: kind, id: id, user: worker, status: status}, now).upid()
	})
	return upid, err
}

// AddBackup backs a guest up to its PBS now: a vzdump task on the guest's node,
// a backup task and a new snapshot on the PBS.
func (e *Estate) AddBackup(clusterName string, vmid int) error {
	return e.changeGuest(clusterName, vmid, func(c *cluster, g *guest, now time.Time, _ int64) error {
		if c.backups == nil {
			return fmt.Errorf("backup server of cluster %s: %w", clusterName, ErrUnknown)
		}
		c.begin(c.node(g.node), &task{kind: "vzdump", id: fmt.Sprint(vmid), user: worker}, now)
		c.backups.add(g, now)
		return nil
	})
}
