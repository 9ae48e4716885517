package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// backupJob is a scheduled backup.
type backupJob struct {
	id, schedule, storage, mode, comment string
	exclude, vmids                       string
	full                                 bool // of all guests
	enabled                              bool
}

// covers tells whether the job backs a guest up.
func (j backupJob) covers(vmid int) bool {
	if !j.enabled {
		return false
	}
	id := fmt.Sprint(vmid)
	if j.full {
		return !slices.Contains(strings.Split(j.exclude, ","), id)
	}
	return slices.Contains(strings.Split(j.vmids, ","), id)
}

// replication copies a guest's disks to another node.
type replication struct {
	guest, number             int
	target, schedule, comment string
	disabled                  bool
}

// info describes the cluster for clients.
func (c *cluster) info() ClusterInfo {
	out := ClusterInfo{
		Name: c.name, Standalone: c.standalone, CA: c.ca.leaf.pem(), Credentials: c.accounts.credentials(),
	}
	for _, n := range c.nodes {
		out.Nodes = append(out.Nodes, NodeInfo{
			Name: n.name, URL: n.place.url(), Address: n.place.ip, Port: n.place.port,
			Fingerprint: n.place.certificateNow().fingerprint(),
		})
	}
	return out
}

// clusterStatus tells membership and quorum.
func (k *call) clusterStatus() *reply {
	var rows []object
	if !k.c.standalone {
		rows = append(rows, object{
			"id": "cluster", "type": "cluster", "name": k.c.name, "nodes": len(k.c.nodes),
			"quorate": boolInt(k.c.quorate()), "version": len(k.c.nodes),
		})
	}
	for _, n := range k.c.nodes {
		rows = append(rows, object{
			"id": "node/" + n.name, "type": "node", "name": n.name, "nodeid": n.id, "ip": n.place.ip,
			"level": "", "local": boolInt(n == k.self), "online": boolInt(k.c.online(k.self, n)),
		})
	}
	return ok(rows)
}

// clusterTasks lists the tasks that each member broadcasts.
func (k *call) clusterTasks() *reply {
	rows := []object{}
	everyone := k.who.rights.has("/", "Sys.Audit")
	for _, n := range k.c.nodes {
		for _, t := range n.broadcast() {
			if everyone || t.user == k.who.user {
				rows = append(rows, t.broadcastRow())
			}
		}
	}
	return ok(rows)
}

// broadcastRow is the task as /cluster/tasks tells it.
func (t *task) broadcastRow() object {
	row := object{
		"upid": t.upid(), "node": t.node, "type": t.kind, "id": t.id, "user": t.user, "starttime": t.start.Unix(),
		"saved": fmt.Sprint(boolInt(!t.end.IsZero())),
	}
	if t.token != "" {
		row["tokenid"] = t.token
	}
	if t.end.IsZero() {
		row["pid"] = t.pid
		return row
	}
	row["endtime"], row["status"] = t.end.Unix(), t.status
	return row
}

// backupJobs lists the scheduled backups.
func (k *call) backupJobs() *reply {
	rows := make([]object, 0, len(k.c.jobs))
	for _, j := range k.c.jobs {
		row := object{
			"id": j.id, "type": "vzdump", "schedule": j.schedule, "storage": j.storage, "mode": j.mode,
			"enabled": boolInt(j.enabled),
		}
		if j.full {
			row["all"] = 1
			row["notes-template"] = "{{guestname}}"
			row["prune-backups"] = object{"keep-last": "3"}
			row["compress"] = "zstd"
			row["fleecing"] = object{"enabled": 0}
			row["mailnotification"] = "failure"
		}
		for name, value := range map[string]string{"exclude": j.exclude, "vmid": j.vmids, "comment": j.comment} {
			if value != "" {
				row[name] = value
			}
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// notBackedUp lists the guests that no enabled job covers.
func (k *call) notBackedUp() *reply {
	rows := []object{}
	for _, g := range k.c.order {
		covered := slices.ContainsFunc(k.c.jobs, func(j backupJob) bool { return j.covers(g.vmid) })
		if !covered && k.who.rights.has(fmt.Sprintf("/vms/%d", g.vmid), "VM.Audit") {
			rows = append(rows, object{"vmid": g.vmid, "type": g.kind, "name": g.live.name})
		}
	}
	return ok(rows)
}

// replicationJobs lists the configured jobs.
func (k *call) replicationJobs() *reply {
	rows := []object{}
	for _, r := range k.c.replications {
		if !k.who.rights.has(fmt.Sprintf("/vms/%d", r.guest), "VM.Audit") {
			continue
		}
		row := object{
			"id": fmt.Sprintf("%d-%d", r.guest, r.number), "guest": r.guest, "jobnum": r.number, "type": "local",
			"target": r.target, "schedule": r.schedule,
		}
		if r.comment != "" {
			row["comment"] = r.comment
		}
		if r.disabled {
			row["disable"] = 1
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// ceph is not installed.
func (k *call) ceph() *reply {
	return failure(http.StatusInternalServerError, "binary not installed: /usr/bin/ceph-mon")
}

// nodeHAState is a member's state in the HA manager, which fences a dead one
// after a minute.
func (c *cluster) nodeHAState(n *node, current int64) string {
	if !n.off {
		return "online"
	}
	if time.Duration(current-n.published(current))*c.clk.tick < time.Minute {
		return "online"
	}
	return "unknown"
}

// master is the node that runs the HA manager: the first that is up.
func (c *cluster) master() *node {
	for _, n := range c.nodes {
		if !n.off {
			return n
		}
	}
	return c.nodes[0]
}

// haGuests are the guests under HA.
func (c *cluster) haGuests() []*guest {
	var out []*guest
	for _, g := range c.order {
		if g.haState != "" {
			out = append(out, g)
		}
	}
	return out
}

// lrmState is what the local resource manager of a node does.
func (c *cluster) lrmState(n *node) (state, text string) {
	for _, g := range c.haGuests() {
		if g.node == n.name {
			return "active", "active, watchdog active"
		}
	}
	return "wait_for_agent_lock", "idle, watchdog standby"
}

// haCurrent tells the HA state as rows with texts for people.
func (k *call) haCurrent() *reply {
	c := k.c
	quorum := object{"id": "quorum", "type": "quorum", "node": k.self.name, "quorate": boolInt(c.quorate()), "status": "OK"}
	if !c.quorate() {
		quorum["status"] = "No quorum on node '" + k.self.name + "'!"
	}
	armed := "standby"
	rows := []object{quorum}
	services := c.haGuests()
	stamp := k.now.Add(-4 * time.Second)
	when := stamp.UTC().Format(time.ANSIC)
	master := c.master().name
	if len(services) > 0 {
		armed = "armed"
		rows = append(rows, object{
			"id": "master", "type": "master", "node": master, "timestamp": stamp.Unix(),
			"status": master + " (active, " + when + ")",
		})
	}
	status := map[string]string{"armed": "armed (CRM watchdog active)", "standby": "standby (CRM watchdog standby)"}[armed]
	rows = append(rows, object{"id": "fencing", "type": "fencing", "node": master, "armed-state": armed, "status": status})
	if len(services) == 0 {
		return ok(rows)
	}
	for _, n := range c.nodes {
		_, text := c.lrmState(n)
		rows = append(rows, object{
			"id": "lrm:" + n.name, "type": "lrm", "node": n.name, "timestamp": stamp.Unix(),
			"status": n.name + " (" + text + ", " + when + ")",
		})
	}
	for _, g := range services {
		rows = append(rows, object{
			"id": "service:" + g.sid(), "sid": g.sid(), "type": "service", "node": g.node, "state": g.haState,
			"crm_state": g.haState, "request_state": g.haState, "max_restart": 1, "max_relocate": 1, "failback": 1,
			"status": g.sid() + " (" + g.node + ", " + g.haState + ")",
		})
	}
	return ok(rows)
}

// haManager tells the HA state as the manager keeps it.
func (k *call) haManager() *reply {
	c := k.c
	quorum := object{"node": k.self.name, "quorate": fmt.Sprint(boolInt(c.quorate()))}
	services := c.haGuests()
	if len(services) == 0 {
		return ok(object{"manager_status": object{"node_status": object{}}, "quorum": quorum})
	}
	stamp := k.now.Add(-4 * time.Second).Unix()
	nodes, managers, states := object{}, object{}, object{}
	for _, n := range c.nodes {
		nodes[n.name] = c.nodeHAState(n, k.tick)
		state, _ := c.lrmState(n)
		managers[n.name] = object{"state": state, "mode": "active", "timestamp": stamp, "results": object{}}
	}
	for _, g := range services {
		service := object{"node": g.node, "state": g.haState, "uid": g.chance.named("uid").hex(11)}
		if g.haState == "started" {
			service["running"] = 1
		}
		states[g.sid()] = service
	}
	return ok(object{
		"quorum":     quorum,
		"lrm_status": managers,
		"manager_status": object{
			"master_node": c.master().name, "node_status": nodes, "service_status": states, "timestamp": stamp,
		},
	})
}
