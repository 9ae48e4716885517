package sim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// TestNumberQuirks looks in the text of replies for each way in which Proxmox
// prints a number.
func TestNumberQuirks(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	var resources strings.Builder
	for range 30 {
		resources.WriteString(b.get("home", sim.Auditor, "/cluster/resources").body)
		b.tick()
	}
	text := func(paths ...string) string {
		var out strings.Builder
		for _, path := range paths {
			out.WriteString(b.get("home", sim.Admin, path).body)
		}
		return out.String()
	}
	require.NoError(t, b.StopGuest("home", 114))
	require.NoError(t, b.StartGuest("home", 114))
	for _, quirk := range []struct{ name, body, pattern string }{
		{"idle VM prints whole zero", resources.String(), `"qemu/\d+"[^}]*"status":"running"[^}]*"cpu":0,`},
		{"busy VM prints a fraction", resources.String(), `"qemu/\d+"[^}]*"cpu":0\.\d+`},
		{"container prints a fraction", resources.String(), `"lxc/\d+"[^}]*"cpu":0\.\d+`},
		{"container above its limit", resources.String(), `"lxc/\d+"[^}]*"cpu":1\.\d+`},
		{"fractional limit", resources.String(), `"lxc/\d+"[^}]*"maxcpu":0\.5,`},
		{"container has no host memory", resources.String(), `"lxc/\d+"[^}]*"status":"running"[^}]*"memhost":0,`},
		{"VM has no disk use", resources.String(), `"qemu/\d+"[^}]*"status":"running"[^}]*"disk":0,`},
		{"template", resources.String(), `"status":"stopped","template":1`},
		{"paused", resources.String(), `"status":"paused"`},
		{"lock", resources.String(), `"lock":"backup"`},
		{"unknown storage without numbers", resources.String(), `\{"id":"storage/cedar/usb-disk"[^}]*"status":"unknown"\}`},
		{"first CPU of a worker is zero", text("/nodes/birch/status"), `"cpu":0,`},
		{"CPU of a node", text("/nodes/birch/status"), `"cpu":0\.\d+`},
		{"load is text", text("/nodes/birch/status"), `"loadavg":\["\d+\.\d\d","\d+\.\d\d","\d+\.\d\d"\]`},
		{"frequency is text", text("/nodes/birch/status"), `"mhz":"2200.000"`},
		{"family and hvm are text", text("/nodes/birch/status"), `"family":"6".*"hvm":"1"`},
		{"first CPU of a guest is zero", text("/nodes/cedar/lxc/112/status/current"), `"cpu":0,`},
		{"CPU after a restart is negative", text("/nodes/alder/lxc/114/status/current") + restarted(b), `"cpu":-0\.\d+`},
		{"pressure of a container is text", text("/nodes/cedar/lxc/112/status/current"), `"pressurecpusome":"2\.10"`},
		{"pressure of a VM is a number", text("/nodes/birch/qemu/102/status/current"), `"pressurecpusome":0\.05`},
		{"whole pressure", text("/nodes/birch/qemu/102/status/current"), `"pressurecpufull":0,`},
		{"saved is text", text("/cluster/tasks"), `"saved":"1"`},
		{"task id is text", text("/cluster/tasks"), `"id":"100"`},
		{"task of no guest", text("/cluster/tasks"), `"id":""`},
		{"task of a token", text("/cluster/tasks"), `"tokenid":"pulse"`},
		{"warnings", text("/cluster/tasks"), `"status":"WARNINGS: 1"`},
		{"error text", text("/cluster/tasks"), `"status":"command 'apt-get update' failed: exit code 100"`},
		{"memory of a VM is text", text("/nodes/birch/qemu/102/config"), `"memory":"16384"`},
		{"memory of a container is a number", text("/nodes/alder/lxc/110/config"), `"memory":512`},
		{"limit is text", text("/nodes/alder/lxc/110/config"), `"cpulimit":"0\.5"`},
		{"exclude is text", text("/cluster/backup"), `"exclude":"108"`},
		{"retention is text", text("/cluster/backup"), `"keep-last":"3"`},
		{"quorum of the manager is text", text("/cluster/ha/status/manager_status"), `"quorate":"1"`},
		{"quorum of the status is a number", text("/cluster/ha/status/current"), `"quorate":1`},
		{"mount point is text", text("/storage"), `"is_mountpoint":"1"`},
		{"disabled", text("/storage"), `"disable":1`},
		{"exponent", text("/nodes/alder/storage"), `"used_fraction":2\.2\d+e-08`},
		{"creation is text on LVM", text("/nodes/alder/storage/local-lvm/content"), `"ctime":"\d+"`},
		{"creation is a number for files", text("/nodes/alder/storage/nas/content"), `"ctime":\d+`},
		{"parent is null on ZFS", text("/nodes/alder/storage/tank/content"), `"parent":null`},
		{"protected", text("/nodes/alder/storage/pbs/content"), `"protected":1`},
		{"verification", text("/nodes/alder/storage/pbs/content"), `"verification":\{"state":"ok"`},
		{"file system without size", text("/nodes/alder/qemu/100/agent/get-fsinfo"), `\{"disk":\[\],"mountpoint":"/mnt/nfs","name":"nfs","type":"nfs4"\}`},
		{"version of the OS is text", text("/nodes/alder/qemu/100/agent/get-osinfo"), `"version-id":"13"`},
		{"real booleans from QEMU", text("/nodes/alder/qemu/100/status/current"), `"account_failed":true`},
		{"release is text", text("/version"), `"release":"9\.2"`},
		{"snapshots end with the present", text("/nodes/alder/qemu/101/snapshot"), `"name":"current"`},
		{"description with a line end", text("/nodes/alder/lxc/110/snapshot"), `"description":"first\\n"`},
		{"not clustered", b.get("attic", sim.Auditor, "/cluster/status").body, `"nodeid":0`},
	} {
		require.Regexp(t, quirk.pattern, quirk.body, quirk.name)
	}
	inactive := decode[[]row](t, b.getAt("home", "cedar", "/nodes/cedar/storage?storage=usb-disk"))[0]
	require.NotContains(t, inactive, "used_fraction")
	require.Equal(t, 0.0, inactive["total"])
}

// restarted is the first status of a container after a restart, when a worker
// had measured it before.
func restarted(b *bench) string {
	const path = "/nodes/alder/lxc/114/status/current"
	b.getAt("home", "alder", path)
	b.wait(time.Minute)
	require.NoError(b, b.StopGuest("home", 114))
	require.NoError(b, b.StartGuest("home", 114))
	return b.getAt("home", "alder", path).body
}

func TestValuesMoveAndCountersRise(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Seed: 3, Guests: 400})
	read := func() map[string]row {
		out := map[string]row{}
		for _, r := range decode[[]row](t, b.get("cluster1", sim.Auditor, "/cluster/resources?type=vm")) {
			out[r["id"].(string)] = r
		}
		return out
	}
	counters := []string{"netin", "netout", "diskread", "diskwrite"}
	moved, running := 0, 0
	last := read()
	for range 20 {
		require.Equal(t, last, read(), "nothing moves within a tick")
		b.tick()
		next := read()
		for id, now := range next {
			was := last[id]
			if now["status"] != "running" {
				require.Equal(t, was, now)
				continue
			}
			running++
			require.Equal(t, 10.0, now["uptime"].(float64)-was["uptime"].(float64), "uptime always moves")
			rising := false
			for _, c := range counters {
				require.GreaterOrEqual(t, now[c], was[c], "%s of %s", c, id)
				rising = rising || now[c].(float64) > was[c].(float64)
			}
			if rising {
				moved++
			}
		}
		last = next
	}
	share := float64(moved) / float64(running)
	require.InDelta(t, 0.9, share, 0.03)
}

func TestSameSeedGivesTheSameEstate(t *testing.T) {
	t.Parallel()
	dump := func(cfg sim.Config) string {
		b := newBench(t, cfg)
		var out strings.Builder
		for range 3 {
			for _, c := range b.Clusters() {
				for _, path := range []string{"/cluster/resources", "/cluster/tasks", "/nodes", "/storage", "/cluster/metrics/export"} {
					out.WriteString(b.get(c.Name, sim.Auditor, path).body)
				}
			}
			for _, path := range []string{"/status/datastore-usage", "/nodes/localhost/tasks", "/nodes/localhost/status"} {
				out.WriteString(b.pbs(sim.Auditor, path).body)
			}
			require.NoError(t, b.StopGuest(b.Clusters()[0].Name, 100))
			b.tick()
		}
		described, err := json.Marshal(b.Describe())
		require.NoError(t, err)
		return out.String() + string(described)
	}
	cfg := sim.Config{Seed: 11, Clusters: 2, Guests: 30, BackupServers: 1, BackupsPerGuest: 2}
	first := dump(cfg)
	require.Equal(t, first, dump(cfg), "certificates and secrets included")
	require.Equal(t, dump(demo()), dump(demo()))
	cfg.Seed++
	require.NotEqual(t, first, dump(cfg))
}

func TestGeneratedEstateHasTheAskedSize(t *testing.T) {
	t.Parallel()
	b := newBench(t, sim.Config{Seed: 5, Clusters: 3, NodesPerCluster: 4, Guests: 100, BackupServers: 2, BackupsPerGuest: 8})
	guests, kinds := 0, map[string]int{}
	require.Len(t, b.Clusters(), 3)
	require.Len(t, b.BackupServers(), 2)
	for _, c := range b.Clusters() {
		require.Len(t, c.Nodes, 4)
		list, err := b.Guests(c.Name)
		require.NoError(t, err)
		guests += len(list)
		for _, g := range list {
			kinds[g.Type]++
			kinds[g.Status]++
		}
		require.Equal(t, 100, list[0].VMID, "VMIDs collide across clusters")
	}
	require.Equal(t, 100, guests)
	require.InDelta(t, 70, kinds["qemu"], 15)
	require.InDelta(t, 90, kinds["running"], 10)
	snapshots := decode[[]row](t, b.pbs(sim.Auditor, "/admin/datastore/main/snapshots?ns=cluster1&backup-type=vm&backup-id=100"))
	if len(snapshots) == 0 {
		snapshots = decode[[]row](t, b.pbs(sim.Auditor, "/admin/datastore/main/snapshots?ns=cluster1&backup-type=ct&backup-id=100"))
	}
	require.Len(t, snapshots, 8)

	alone := newBench(t, sim.Config{Seed: 5, NodesPerCluster: 1})
	require.True(t, alone.Clusters()[0].Standalone)
	require.Len(t, decode[[]row](t, alone.get("c1n1", sim.Auditor, "/cluster/status")), 1)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []sim.Config{
		{Clusters: -1}, {Guests: 1_000_000}, {ChangeShare: 2}, {Tick: time.Millisecond}, {PVEPort: 70_000}, {BackupsPerGuest: -1},
	} {
		_, err := sim.New(cfg)
		require.Error(t, err)
	}
	_, err := sim.New(sim.Config{})
	require.NoError(t, err)
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, demo())
	b.get("home", sim.Auditor, "/cluster/resources?type=vm")
	b.getAt("home", "birch", "/nodes/birch/qemu/102/status/current")
	b.get("home", sim.NoRights, "/cluster/status")
	b.get("home", sim.Auditor, "/nope")
	b.pbs(sim.Auditor, "/ping")
	require.Equal(t, map[string]int{
		"GET /cluster/resources": 1, "GET /nodes/{node}/qemu/{vmid}/status/current": 1, "GET /cluster/status": 1, "GET /nope": 1,
	}, b.RequestCounts("home"))
	require.Equal(t, map[string]int{"GET /ping": 1}, b.RequestCounts("vault"))
	list := b.Requests("home")
	require.Equal(t, "type=vm", list[0].Query)
	require.Equal(t, "birch", list[1].Node)
	require.Equal(t, "/nodes/birch/qemu/102/status/current", list[1].Path)
	require.Equal(t, http.StatusForbidden, list[2].Status)
	require.Empty(t, list[3].Pattern)
	require.Empty(t, list[3].Agent)
	c := b.clusterNamed("home")
	b.do(http.MethodGet, c.URL()+"/api2/json/version", token(c.Credentials[sim.Auditor]), "", func(r *http.Request) {
		r.Header.Set("User-Agent", "Pulse/v1.2.3")
	})
	require.Equal(t, "Pulse/v1.2.3", b.Requests("home")[4].Agent)
	b.ForgetRequests()
	require.Empty(t, b.RequestCounts("home"))
	require.Nil(t, b.Requests("home"))
}
