package sim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// current is a guest's own status, as asked at the given node.
func (b *bench) current(cluster, node, guest string) row {
	b.Helper()
	return decode[row](b.T, b.getAt(cluster, node, "/nodes/"+node+"/"+guest+"/status/current"))
}

// newest is the newest task of a node.
func (b *bench) newest(cluster, node string) row {
	b.Helper()
	for _, t := range decode[[]row](b.T, b.get(cluster, sim.Auditor, "/cluster/tasks")) {
		if t["node"] == node {
			return t
		}
	}
	return nil
}

func TestStoppedGuestShowsAtOnceInItsStatusAndLaterInResources(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.wait(13 * time.Second)
	require.NoError(t, b.StopGuest("home", 100))
	require.Equal(t, "stopped", b.current("home", "alder", "qemu/100")["status"])
	require.Equal(t, "running", b.resource("home", "qemu/100")["status"], "pvestatd has not run since")
	task := b.newest("home", "alder")
	require.Equal(t, "qmstop", task["type"])
	require.Equal(t, "100", task["id"])
	require.Equal(t, "OK", task["status"])
	b.wait(7 * time.Second)
	stopped := b.resource("home", "qemu/100")
	require.Equal(t, "stopped", stopped["status"])
	for _, field := range []string{"cpu", "mem", "memhost", "uptime", "netin", "netout", "diskread", "diskwrite"} {
		require.Equal(t, 0.0, stopped[field], field)
	}
	require.NotZero(t, stopped["maxmem"])

	require.NoError(t, b.StartGuest("home", 100))
	require.Equal(t, "running", b.current("home", "alder", "qemu/100")["status"])
	b.tick()
	require.Equal(t, "running", b.resource("home", "qemu/100")["status"])
	require.LessOrEqual(t, b.resource("home", "qemu/100")["uptime"], 10.0)
}

func TestTaskRunsForItsTime(t *testing.T) {
	t.Parallel()
	cfg := demo()
	cfg.TaskDuration = 3 * time.Second
	b := newBench(t, cfg)
	require.NoError(t, b.StopGuest("home", 101))
	task := b.newest("home", "alder")
	require.NotContains(t, task, "endtime")
	require.NotContains(t, task, "status")
	require.Equal(t, "0", task["saved"])
	require.NotZero(t, task["pid"])
	path := "/nodes/alder/tasks/" + task["upid"].(string) + "/status"
	require.Equal(t, "running", decode[row](t, b.getAt("home", "birch", path))["status"])
	active := decode[[]row](t, b.getAt("home", "birch", "/nodes/alder/tasks?source=active"))
	require.Len(t, active, 1)
	require.Equal(t, "RUNNING", active[0]["status"])
	require.Equal(t, "running", b.current("home", "alder", "qemu/101")["status"])
	b.wait(3 * time.Second)
	require.Equal(t, "stopped", b.current("home", "alder", "qemu/101")["status"])
	ended := decode[row](t, b.getAt("home", "birch", path))
	require.Equal(t, "stopped", ended["status"])
	require.Equal(t, "OK", ended["exitstatus"])
	require.Equal(t, "1", b.newest("home", "alder")["saved"])
	require.Empty(t, decode[[]row](t, b.getAt("home", "birch", "/nodes/alder/tasks?source=active")))
}

func TestSilentStopLeavesNoTask(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	before := b.newest("home", "alder")
	require.NoError(t, b.StopGuestSilently("home", 100))
	require.Equal(t, before, b.newest("home", "alder"))
	require.Equal(t, "stopped", b.current("home", "alder", "qemu/100")["status"])
	b.tick()
	require.Equal(t, "stopped", b.resource("home", "qemu/100")["status"])
}

func TestMigratedGuestMovesAtOnceAndItsNumbersLater(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.wait(15 * time.Second)
	before := b.resource("home", "qemu/101")
	require.NoError(t, b.MigrateGuest("home", 101, "cedar"))
	after := b.resource("home", "qemu/101")
	require.Equal(t, "cedar", after["node"])
	require.Equal(t, before["uptime"], after["uptime"])
	require.NotContains(t, after, "lock")
	require.Equal(t, "qmigrate", b.newest("home", "alder")["type"])
	moved := b.getAt("home", "alder", "/nodes/alder/qemu/101/status/current")
	require.Equal(t, "Configuration file 'nodes/alder/qemu-server/101.conf' does not exist", moved.message())
	require.Equal(t, "running", b.current("home", "cedar", "qemu/101")["status"])
	b.tick()
	require.Less(t, b.resource("home", "qemu/101")["uptime"], 20.0, "a new process")
}

func TestCreatedAndRemovedGuest(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.CreateGuest("home", sim.Guest{VMID: 300, Type: "qemu", Name: "new", Node: "birch", Status: "running"}))
	r := b.resource("home", "qemu/300")
	require.Equal(t, "unknown", r["status"])
	require.NotContains(t, r, "name")
	require.Equal(t, "qmcreate", b.newest("home", "birch")["type"])
	require.Equal(t, "new", b.current("home", "birch", "qemu/300")["name"])
	b.tick()
	require.Equal(t, "running", b.resource("home", "qemu/300")["status"])
	require.NoError(t, b.RemoveGuest("home", 300))
	require.Nil(t, b.resource("home", "qemu/300"))
	require.Equal(t, "qmdestroy", b.newest("home", "birch")["type"])
	require.Equal(t, 500, b.getAt("home", "birch", "/nodes/birch/qemu/300/status/current").StatusCode)
}

func TestRecreatedGuestIsAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	before := b.resource("home", "lxc/113")
	config := decode[row](t, b.getAt("home", "birch", "/nodes/birch/lxc/113/config"))
	b.wait(time.Minute)
	require.NoError(t, b.RecreateGuest("home", 113))
	tasks := decode[[]row](t, b.getAt("home", "alder", "/nodes/birch/tasks?vmid=113"))
	require.Equal(t, "vzcreate", tasks[0]["type"])
	require.Equal(t, "vzdestroy", tasks[1]["type"])
	b.tick()
	after := b.resource("home", "lxc/113")
	require.Equal(t, before["name"], after["name"])
	require.Less(t, after["uptime"], before["uptime"])
	require.NotEqual(t, config["digest"], decode[row](t, b.getAt("home", "birch", "/nodes/birch/lxc/113/config"))["digest"])
}

func TestSmallChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.tick()
	before := b.resource("home", "qemu/102")
	require.NoError(t, b.ResetCounters("home", 102))
	require.NoError(t, b.RenameGuest("home", 102, "pgsql – Größe \"7\""))
	require.NoError(t, b.SetGuestLock("home", 102, "snapshot"))
	require.NoError(t, b.SetGuestTags("home", 102, "x;y"))
	r := b.resource("home", "qemu/102")
	require.Equal(t, "snapshot", r["lock"], "locks and tags are read at call time")
	require.Equal(t, "x;y", r["tags"])
	require.Equal(t, before["name"], r["name"])
	b.tick()
	r = b.resource("home", "qemu/102")
	require.Equal(t, "pgsql – Größe \"7\"", r["name"])
	require.Less(t, r["netin"], before["netin"])
	require.Greater(t, r["uptime"], before["uptime"])

	require.NoError(t, b.SetGuestStatus("home", 102, "paused"))
	require.Equal(t, "paused", b.current("home", "birch", "qemu/102")["qmpstatus"])
	require.Equal(t, "running", b.current("home", "birch", "qemu/102")["status"])
	b.tick()
	r = b.resource("home", "qemu/102")
	require.Equal(t, "paused", r["status"])
	require.Equal(t, 0.0, r["cpu"])
	require.Error(t, b.SetGuestStatus("home", 104, "paused"), "it is stopped")

	require.NoError(t, b.SetGuestStatus("home", 102, "running"))
	require.NoError(t, b.MonitorSilent("home", 102, true))
	b.tick()
	r = b.resource("home", "qemu/102")
	require.Equal(t, 0.0, r["diskread"])
	require.Equal(t, r["memhost"], r["mem"])
	require.NotZero(t, r["netin"])
	require.NotContains(t, b.current("home", "birch", "qemu/102"), "ballooninfo")

	require.NoError(t, b.AgentHang("home", 102, true))
	a := b.getAt("home", "birch", "/nodes/birch/qemu/102/agent/get-fsinfo")
	require.Equal(t, "QEMU guest agent is not running", a.message())
	a = b.getAt("home", "cedar", "/nodes/cedar/qemu/104/agent/get-fsinfo")
	require.Equal(t, "VM 104 is not running", a.message())
}

func TestSnapshotTask(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	require.NoError(t, b.SnapshotGuest("home", 101, "third"))
	require.Equal(t, "qmsnapshot", b.newest("home", "alder")["type"])
	list := decode[[]row](t, b.getAt("home", "birch", "/nodes/alder/qemu/101/snapshot"))
	require.Len(t, list, 4)
	require.Equal(t, "third", list[2]["name"])
	require.Equal(t, "before-upgrade", list[2]["parent"])
	require.Equal(t, "current", list[3]["name"])
	require.Equal(t, "third", list[3]["parent"])
	require.Equal(t, "third", decode[row](t, b.getAt("home", "birch", "/nodes/alder/qemu/101/config"))["parent"])
}

// post sends a request that changes something, as root.
func (b *bench) post(path string) answer {
	b.Helper()
	c := b.clusterNamed("home")
	return b.do(http.MethodPost, c.URL()+"/api2/json"+path, token(c.Credentials[sim.Admin]), "")
}

func TestPowerCallsOfTheAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	upid := decode[string](t, b.post("/nodes/birch/lxc/113/status/shutdown"))
	require.Contains(t, upid, ":vzshutdown:113:root@pam!pulse:")
	require.Equal(t, "stopped", b.current("home", "birch", "lxc/113")["status"])
	require.Equal(t, "CT 113 not running", b.post("/nodes/birch/lxc/113/status/stop").message())
	require.Equal(t, "CT 113 not running", b.post("/nodes/birch/lxc/113/status/shutdown").message())
	decode[string](t, b.post("/nodes/birch/lxc/113/status/start"))
	require.Equal(t, "running", b.current("home", "birch", "lxc/113")["status"])
	require.Equal(t, "CT 113 already running", b.post("/nodes/birch/lxc/113/status/start").message())
	require.Equal(t, "VM 102 already running", b.post("/nodes/birch/qemu/102/status/start").message())
	require.Equal(t, "VM 104 not running", b.post("/nodes/cedar/qemu/104/status/shutdown").message())
	require.Equal(t, "you can't start a vm if it's a template", b.post("/nodes/alder/qemu/109/status/start").message())
	require.Equal(t, "Configuration file 'nodes/birch/qemu-server/113.conf' does not exist", b.post("/nodes/birch/qemu/113/status/stop").message())
	require.Equal(t, 403, b.do(http.MethodPost, b.nodeURL("home", "birch")+"/api2/json/nodes/birch/qemu/102/status/stop",
		token(b.clusterNamed("home").Credentials[sim.Auditor]), "").StatusCode)
	task := b.newest("home", "birch")
	require.Equal(t, "pulse", task["tokenid"])
	require.Equal(t, "root@pam", task["user"])
}

func TestClusterTasksAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	for range 40 {
		_, err := b.AddTask("home", "birch", "imgdel", "102@local", "OK")
		require.NoError(t, err)
	}
	upid, err := b.AddTask("home", "birch", "vzdump", "", "job errors")
	require.NoError(t, err)
	count := 0
	for _, task := range decode[[]row](t, b.get("home", sim.Auditor, "/cluster/tasks")) {
		if task["node"] == "birch" {
			count++
		}
	}
	require.Equal(t, 25, count)
	require.Len(t, decode[[]row](t, b.getAt("home", "alder", "/nodes/birch/tasks?typefilter=imgdel&limit=0")), 40)
	require.Len(t, decode[[]row](t, b.getAt("home", "alder", "/nodes/birch/tasks?typefilter=imgdel&limit=7&start=35")), 5)
	failed := decode[[]row](t, b.getAt("home", "alder", "/nodes/birch/tasks?errors=1"))
	require.Len(t, failed, 1)
	require.Equal(t, upid, failed[0]["upid"])
	log := decode[[]row](t, b.getAt("home", "alder", "/nodes/birch/tasks/"+upid+"/log"))
	require.Equal(t, []row{{"n": 1.0, "t": "TASK ERROR: job errors"}}, log)
}
