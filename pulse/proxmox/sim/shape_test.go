package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// shape is what a set of replies looks like: for every kind of object how many
// there were, and for each field how often it was there and with which types.
type shape map[string]*objectShape

type objectShape struct {
	seen   int
	fields map[string]*fieldShape
}

type fieldShape struct {
	seen  int
	types map[string]bool
}

// variableKeys are objects whose keys are names, not fields.
func variableKeys() []string {
	return []string{".nics", ".blockstat", ".lrm_status", ".node_status", ".service_status", ".results"}
}

// walk adds a value to the shape.
func (s shape) walk(class string, value any, keysAreNames int) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			s.walk(class+"[]", one, keysAreNames)
		}
	case map[string]any:
		class += discriminate(v)
		o := s[class]
		if o == nil {
			o = &objectShape{fields: map[string]*fieldShape{}}
			s[class] = o
		}
		o.seen++
		named := keysAreNames > 0 || slices.ContainsFunc(variableKeys(), func(suffix string) bool { return strings.HasSuffix(class, suffix) })
		for key, inner := range v {
			if named {
				key = "*"
			}
			f := o.fields[key]
			if f == nil {
				f = &fieldShape{types: map[string]bool{}}
				o.fields[key] = f
			}
			f.seen++
			f.types[typeOf(inner)] = true
			s.walk(class+"."+key, inner, keysAreNames-1)
		}
	}
}

// discriminate tells apart objects in one list that have different fields.
func discriminate(v map[string]any) string {
	var out string
	if kind, ok := v["type"].(string); ok && v["id"] != nil && v["upid"] == nil {
		out += "<" + kind + ">"
	}
	if status, ok := v["status"].(string); ok && v["upid"] == nil && v["timestamp"] == nil {
		switch status {
		case "unknown", "offline", "stopped", "online", "available":
			out += "<" + status + ">"
		}
	}
	if content, ok := v["content"].(string); ok && v["volid"] != nil {
		out += "<" + content + ">"
	}
	_, ended := v["endtime"]
	_, exited := v["exitstatus"]
	if v["upid"] != nil && v["starttime"] != nil && !ended && !exited {
		out += "<running>"
	}
	return out
}

func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
		return "int"
	case []any:
		return "array"
	}
	return "object"
}

func parse(t *testing.T, body []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var out any
	require.NoError(t, decoder.Decode(&out))
	return out
}

// fits tells whether a type was recorded; a whole number may stand for any.
func (f *fieldShape) fits(kind string) bool {
	return f.types[kind] || (kind == "int" && f.types["float"])
}

// compare finds what the simulation shows and no recording does, and what all
// recordings show and the simulation leaves out.
func compare(recorded, simulated shape, allowed map[string]bool) []string {
	var wrong []string
	for _, class := range slices.Sorted(maps.Keys(simulated)) {
		is, was := simulated[class], recorded[class]
		if was == nil {
			wrong = append(wrong, class+" was never recorded")
			continue
		}
		for name, f := range is.fields {
			r := was.fields[name]
			if r == nil {
				wrong = append(wrong, class+"."+name+" was never recorded")
				continue
			}
			for kind := range f.types {
				if !r.fits(kind) {
					wrong = append(wrong, fmt.Sprintf("%s.%s is %s, recorded %v", class, name, kind, slices.Sorted(maps.Keys(r.types))))
				}
			}
		}
		for name, r := range was.fields {
			if f := is.fields[name]; r.seen == was.seen && name != "*" && (f == nil || f.seen < is.seen) {
				wrong = append(wrong, class+"."+name+" was always recorded and is missing")
			}
		}
	}
	return slices.DeleteFunc(wrong, func(line string) bool { return allowed[line] })
}

// shapeCase compares the replies to some requests with recordings.
type shapeCase struct {
	name     string
	recorded []string // below testdata, without .json
	ask      func(b *bench) []answer
	// allowed differences are documented by Proxmox though not recorded.
	allowed []string
	// keysAreNames is how many levels from the top have names as keys.
	keysAreNames int
}

// asking sends GET requests for paths to the clusters of the demonstration.
func asking(role sim.Role, paths ...string) func(*bench) []answer {
	return func(b *bench) []answer {
		var out []answer
		for _, path := range paths {
			cluster, rest, _ := strings.Cut(path, ":")
			out = append(out, b.get(cluster, role, rest))
		}
		return out
	}
}

func recordings(scenario string, names ...string) []string {
	for i := range names {
		names[i] = scenario + "/" + names[i]
	}
	return names
}

func TestShapesAreThoseOfTheRecordings(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(resourceShapes(), clusterShapes(), guestShapes(), storageShapes(), accessShapes(), backupShapes()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			recorded, simulated := shape{}, shape{}
			for _, name := range c.recorded {
				body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
				require.NoError(t, err)
				recorded.walk("", parse(t, body), c.keysAreNames)
			}
			for _, a := range c.ask(newBench(t, demo())) {
				simulated.walk("", parse(t, []byte(a.body)), c.keysAreNames)
			}
			allowed := map[string]bool{}
			for _, line := range c.allowed {
				allowed[line] = true
			}
			require.NotEmpty(t, simulated)
			for _, line := range compare(recorded, simulated, allowed) {
				assert.Fail(t, line)
			}
		})
	}
}

func TestCompareFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	of := func(text string) shape {
		s := shape{}
		s.walk("", parse(t, []byte(text)), 0)
		return s
	}
	was := of(`{"data":[{"a":1,"b":"x"},{"a":2.5}]}`)
	require.Empty(t, compare(was, of(`{"data":[{"a":7}]}`), nil))
	require.Equal(t, []string{".data[].a is string, recorded [float int]"}, compare(was, of(`{"data":[{"a":"7"}]}`), nil))
	require.Equal(t, []string{".data[].c was never recorded"}, compare(was, of(`{"data":[{"a":7,"c":1}]}`), nil))
	require.Equal(t, []string{".data[].a was always recorded and is missing"}, compare(was, of(`{"data":[{"b":""}]}`), nil))
	require.Equal(t, []string{".data[].a is string, recorded [int]"}, compare(of(`{"data":[{"a":7}]}`), of(`{"data":[{"a":"7"}]}`), nil))
}

// anyGuest are fields that any guest may have, whatever the recorded ones had,
// and the fractions that containers with a CPU limit show.
func anyGuest() []string {
	return []string{
		".data[]<qemu><stopped>.tags was never recorded", ".data[]<qemu>.tags was always recorded and is missing",
		".data[]<stopped>.tags was never recorded", ".data<stopped>.tags was never recorded", ".data<stopped>.agent was never recorded",
		".data[]<lxc>.maxcpu is float, recorded [int]", ".data.cpus is float, recorded [int]", ".data[].maxcpu is float, recorded [int]",
	}
}

// resourceFields adds pools, which are documented; the recorded one was empty.
func resourceFields() []string {
	out := append(anyGuest(), ".data[]<pool>.cpu was never recorded", ".data[]<pool>.maxcpu was never recorded",
		".data[]<pool>.mem was never recorded", ".data[]<pool>.maxmem was never recorded", ".data[]<pool>.uptime was never recorded")
	for _, class := range []string{"<qemu>", "<qemu><stopped>", "<qemu><unknown>"} {
		out = append(out, ".data[]"+class+".pool was never recorded")
	}
	return out
}

func resourceShapes() []shapeCase {
	everything := slices.Concat(
		recordings("cluster-ok", "cluster_resources__auditor-token"),
		recordings("standalone", "cluster_resources__auditor-token"),
		recordings("cluster-member-down", "cluster_resources__auditor-token"),
		recordings("cluster-member-down-after-6min", "cluster_resources__auditor-token"),
		recordings("standalone-pvestatd-stopped", "cluster_resources__auditor-token"),
	)
	nodes := slices.Concat(
		recordings("cluster-ok", "nodes__auditor-token"),
		recordings("cluster-member-down", "nodes__auditor-token"),
		recordings("cluster-member-down-after-6min", "nodes__auditor-token"),
		recordings("standalone-pvestatd-stopped", "nodes__auditor-token"),
	)
	down := func(after time.Duration, paths ...string) func(*bench) []answer {
		return func(b *bench) []answer {
			require.NoError(b, b.NodeDown("home", "cedar"))
			b.wait(after)
			return asking(sim.Auditor, paths...)(b)
		}
	}
	return []shapeCase{
		{name: "resources", recorded: everything, allowed: resourceFields(), ask: asking(sim.Auditor,
			"home:/cluster/resources", "attic:/cluster/resources")},
		{name: "resources, member down", recorded: everything, allowed: resourceFields(), ask: down(15*time.Second, "home:/cluster/resources")},
		{name: "resources, member down for long", recorded: everything, allowed: resourceFields(), ask: down(6*time.Minute, "home:/cluster/resources")},
		{name: "resources, pvestatd stopped", recorded: everything, ask: func(b *bench) []answer {
			require.NoError(b, b.StatusDaemonStopped("attic", "attic", true))
			b.wait(6 * time.Minute)
			return asking(sim.Auditor, "attic:/cluster/resources")(b)
		}},
		{name: "resources, new guest", recorded: everything, allowed: resourceFields(), ask: func(b *bench) []answer {
			require.NoError(b, b.CreateGuest("home", sim.Guest{VMID: 300, Type: "lxc", Node: "birch"}))
			return asking(sim.Auditor, "home:/cluster/resources")(b)
		}},
		{
			name: "resources of a limited token", ask: asking(sim.Limited, "home:/cluster/resources", "attic:/cluster/resources"),
			recorded: slices.Concat(
				recordings("cluster-ok", "cluster_resources__limited-token"), recordings("standalone", "cluster_resources__limited-token")),
			allowed: resourceFields(),
		},
		{
			name: "resources of a token without rights", ask: asking(sim.NoRights, "attic:/cluster/resources"),
			recorded: recordings("standalone", "cluster_resources__privsep-token-without-acl"),
		},
		{name: "nodes", recorded: nodes, ask: asking(sim.Auditor, "home:/nodes")},
		{name: "nodes, member down", recorded: nodes, ask: down(15*time.Second, "home:/nodes")},
		{name: "nodes, member down for long", recorded: nodes, ask: down(6*time.Minute, "home:/nodes")},
		{
			name: "nodes of a limited token", ask: asking(sim.Limited, "home:/nodes"),
			recorded: slices.Concat(recordings("cluster-ok", "nodes__limited-token"), recordings("cluster-member-down", "nodes__limited-token")),
		},
		{
			name: "cluster status", ask: down(15*time.Second, "home:/cluster/status", "attic:/cluster/status"),
			recorded: slices.Concat(
				recordings("cluster-ok", "cluster_status__auditor-token"), recordings("standalone", "cluster_status__auditor-token"),
				recordings("cluster-member-down", "cluster_status__auditor-token")),
		},
	}
}

func clusterShapes() []shapeCase {
	return []shapeCase{
		{name: "cluster tasks", ask: func(b *bench) []answer {
			require.NoError(b, b.StopGuest("home", 100))
			return asking(sim.Auditor, "home:/cluster/tasks", "attic:/cluster/tasks")(b)
		}, recorded: slices.Concat(
			recordings("cluster-ok", "cluster_tasks__auditor-token"), recordings("standalone", "cluster_tasks__auditor-token"))},
		{
			name: "backup jobs", ask: asking(sim.Auditor, "home:/cluster/backup"),
			recorded: slices.Concat(recordings("cluster-ok", "cluster_backup__auditor-token"), recordings("standalone", "cluster_backup__auditor-token")),
		},
		{
			name: "not backed up", ask: asking(sim.Auditor, "home:/cluster/backup-info/not-backed-up"),
			recorded: recordings("cluster-ok", "cluster_backup_info_not_backed_up__auditor-token"),
		},
		{
			name: "HA status", ask: asking(sim.Auditor, "home:/cluster/ha/status/current", "attic:/cluster/ha/status/current"),
			recorded: slices.Concat(
				recordings("cluster-ok", "cluster_ha_status_current__auditor-token"),
				recordings("standalone", "cluster_ha_status_current__auditor-token"),
				recordings("cluster-member-down-after-6min", "cluster_ha_status_current__auditor-token")),
		},
		{
			name: "HA manager", ask: asking(sim.Auditor, "home:/cluster/ha/status/manager_status"),
			recorded: recordings("cluster-ok", "cluster_ha_status_manager_status__auditor-token"),
		},
		{
			name: "HA manager, standalone", ask: asking(sim.Auditor, "attic:/cluster/ha/status/manager_status"),
			recorded: recordings("standalone", "cluster_ha_status_manager_status__auditor-token"),
		},
		{
			name: "replication", ask: asking(sim.Auditor, "home:/cluster/replication"),
			recorded: recordings("cluster-ok", "cluster_replication__auditor-token"),
		},
		{
			name: "metrics", ask: asking(sim.Auditor, "home:/cluster/metrics/export", "attic:/cluster/metrics/export?local-only=1"),
			recorded: slices.Concat(
				recordings("cluster-ok", "cluster_metrics_export__auditor-token"), recordings("standalone", "cluster_metrics_export__auditor-token")),
		},
		{
			name: "node status", ask: asking(sim.Auditor, "home:/nodes/birch/status", "home:/nodes/birch/status"),
			recorded: slices.Concat(
				recordings("cluster-ok", "nodes_pve_a_status__auditor-token", "nodes_pve_b_status__auditor-token"),
				recordings("standalone", "nodes_pve1_status__auditor-token")),
		},
		{
			name: "node tasks", ask: asking(sim.Auditor, "home:/nodes/cedar/tasks", "attic:/nodes/attic/tasks?source=archive"),
			recorded: slices.Concat(
				recordings("standalone", "nodes_pve1_tasks_limit_50__root-ticket"), recordings("cluster-ok", "nodes_pve_a_tasks_limit_20__auditor-token")),
		},
		{
			name: "certificates", ask: asking(sim.Auditor, "home:/nodes/cedar/certificates/info"),
			recorded: recordings("standalone", "nodes_pve1_certificates_info__root-ticket"),
		},
		{
			name: "node history", ask: asking(sim.Auditor, "home:/nodes/cedar/rrddata?timeframe=hour"),
			recorded: recordings("standalone", "nodes_pve1_rrddata_timeframe_hour__root-ticket"),
		},
		{
			name: "guest history", allowed: anyGuest(), ask: asking(sim.Auditor,
				"home:/nodes/alder/qemu/101/rrddata?timeframe=hour", "home:/nodes/alder/lxc/110/rrddata?timeframe=hour",
				"home:/nodes/cedar/qemu/104/rrddata?timeframe=hour&cf=MAX"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_rrddata_timeframe_hour__root-ticket",
				"nodes_pve1_qemu_102_rrddata_timeframe_hour__root-ticket", "nodes_pve1_lxc_200_rrddata_timeframe_hour__root-ticket"),
		},
	}
}

func guestShapes() []shapeCase {
	statuses := recordings("cluster-ok", "nodes_pve_a_qemu_1100_status_current__auditor-token",
		"nodes_pve_b_qemu_1102_status_current__auditor-token", "nodes_pve_b_qemu_1104_status_current__auditor-token")
	for id := range 7 {
		statuses = append(statuses, fmt.Sprintf("standalone/nodes_pve1_qemu_10%d_status_current__root-ticket", id))
	}
	containers := recordings("cluster-ok", "nodes_pve_a_lxc_1200_status_current__auditor-token", "nodes_pve_b_lxc_1201_status_current__auditor-token")
	for id := range 4 {
		containers = append(containers, fmt.Sprintf("standalone/nodes_pve1_lxc_20%d_status_current__root-ticket", id))
	}
	return []shapeCase{
		{name: "VM status", recorded: statuses, allowed: anyGuest(), ask: asking(sim.Auditor,
			"home:/nodes/alder/qemu/100/status/current", "home:/nodes/alder/qemu/100/status/current",
			"home:/nodes/cedar/qemu/104/status/current", "home:/nodes/cedar/qemu/105/status/current",
			"home:/nodes/birch/qemu/107/status/current", "home:/nodes/cedar/qemu/108/status/current",
			"home:/nodes/alder/qemu/109/status/current")},
		{name: "container status", recorded: containers, allowed: anyGuest(), ask: asking(sim.Auditor,
			"home:/nodes/alder/lxc/110/status/current", "home:/nodes/alder/lxc/110/status/current",
			"home:/nodes/cedar/lxc/115/status/current", "home:/nodes/cedar/lxc/116/status/current")},
		{
			name: "VM list", allowed: anyGuest(), ask: asking(sim.Auditor, "home:/nodes/alder/qemu", "home:/nodes/cedar/qemu"),
			recorded: slices.Concat(recordings("cluster-ok", "nodes_pve_a_qemu__auditor-token", "nodes_pve_b_qemu__auditor-token"),
				recordings("standalone", "nodes_pve1_qemu__auditor-token")),
		},
		{
			name: "VM list, full", allowed: anyGuest(), ask: asking(sim.Auditor, "home:/nodes/cedar/qemu?full=1"),
			recorded: recordings("standalone", "nodes_pve1_qemu_full_1__auditor-token"),
		},
		{
			name: "container list", ask: asking(sim.Auditor, "home:/nodes/cedar/lxc"),
			recorded: slices.Concat(recordings("cluster-ok", "nodes_pve_a_lxc__auditor-token"), recordings("standalone", "nodes_pve1_lxc__auditor-token")),
		},
		{
			name: "VM config", ask: asking(sim.Auditor, "home:/nodes/alder/qemu/101/config"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_config__root-ticket", "nodes_pve1_qemu_101_config__root-ticket",
				"nodes_pve1_qemu_102_config__root-ticket"),
		},
		{
			name: "container config", ask: asking(sim.Auditor, "home:/nodes/alder/lxc/110/config"),
			recorded: recordings("standalone", "nodes_pve1_lxc_200_config__root-ticket", "nodes_pve1_lxc_203_config__root-ticket"),
		},
		{
			name: "VM snapshots", ask: asking(sim.Auditor, "home:/nodes/alder/qemu/101/snapshot", "home:/nodes/alder/qemu/100/snapshot"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_snapshot__root-ticket", "nodes_pve1_qemu_101_snapshot__root-ticket"),
		},
		{
			name: "container snapshots", ask: asking(sim.Auditor, "home:/nodes/alder/lxc/110/snapshot", "home:/nodes/birch/lxc/111/snapshot"),
			recorded: recordings("standalone", "nodes_pve1_lxc_200_snapshot__root-ticket", "nodes_pve1_lxc_203_snapshot__root-ticket"),
		},
		{
			name: "file systems", ask: asking(sim.Auditor, "home:/nodes/alder/qemu/100/agent/get-fsinfo"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_agent_get_fsinfo__root-ticket"),
		},
		{
			name: "operating system", ask: asking(sim.Auditor, "home:/nodes/alder/qemu/100/agent/get-osinfo"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_agent_get_osinfo__root-ticket"),
		},
		{
			name: "interfaces", ask: asking(sim.Auditor, "home:/nodes/alder/qemu/100/agent/network-get-interfaces"),
			recorded: recordings("standalone", "nodes_pve1_qemu_100_agent_network_get_interfaces__root-ticket"),
		},
		{name: "task status and log", ask: func(b *bench) []answer {
			var out []answer
			for _, t := range decode[[]row](b.T, b.get("home", sim.Auditor, "/nodes/cedar/tasks")) {
				out = append(out, b.get("home", sim.Auditor, fmt.Sprintf("/nodes/cedar/tasks/%s/status", t["upid"])))
			}
			return out
		}, recorded: recordings("standalone", "task_status_vzdump_err__root-ticket", "task_status_aptupdate_err__root-ticket")},
	}
}

func storageShapes() []shapeCase {
	content := slices.Concat(
		recordings("standalone", "nodes_pve1_storage_backup_content__root-ticket", "nodes_pve1_storage_local_content__root-ticket",
			"nodes_pve1_storage_local_lvm_content__root-ticket", "nodes_pve1_storage_tank_vm_content__root-ticket"),
		recordings("standalone-with-pbs", "nodes_pve1_storage_pbs_live_content__root-ticket"))
	return []shapeCase{
		{
			name: "definitions", ask: asking(sim.Auditor, "home:/storage", "attic:/storage"),
			recorded: recordings("standalone", "storage__auditor-token"),
		},
		{
			name: "storages", ask: asking(sim.Auditor, "home:/nodes/alder/storage", "home:/nodes/cedar/storage"),
			recorded: slices.Concat(recordings("cluster-ok", "nodes_pve_a_storage__auditor-token"),
				recordings("standalone", "nodes_pve1_storage__auditor-token"), recordings("standalone-with-pbs", "nodes_pve1_storage__root-ticket")),
		},
		{
			name: "storage status", ask: asking(sim.Auditor, "home:/nodes/cedar/storage/nas/status", "home:/nodes/cedar/storage/usb-disk/status"),
			recorded: slices.Concat(
				recordings("standalone", "nodes_pve1_storage_backup_status__root-ticket", "nodes_pve1_storage_missing_usb_status__root-ticket"),
				recordings("standalone-with-pbs", "nodes_pve1_storage_pbs_live_status__root-ticket")),
		},
		{name: "content", recorded: content, ask: asking(sim.Admin, "home:/nodes/alder/storage/local/content",
			"home:/nodes/alder/storage/local-lvm/content", "home:/nodes/alder/storage/tank/content",
			"home:/nodes/alder/storage/nas/content?content=backup", "home:/nodes/alder/storage/pbs/content?content=backup")},
	}
}

func accessShapes() []shapeCase {
	login := func(role sim.Role) func(*bench) []answer {
		return func(b *bench) []answer {
			c := b.clusterNamed("attic")
			cred := c.Credentials[role]
			return []answer{b.do(http.MethodPost, c.URL()+"/api2/json/access/ticket", "", "username="+cred.User+"&password="+cred.Password)}
		}
	}
	return []shapeCase{
		{name: "version", ask: asking(sim.NoRights, "home:/version"), recorded: recordings("standalone", "version__root-ticket")},
		{name: "domains", ask: asking(sim.NoRights, "home:/access/domains"), recorded: recordings("standalone", "access_domains__root-ticket")},
		{name: "ticket", ask: login(sim.Auditor), recorded: recordings("standalone", "fail_login_ok_monitor__login-ok")},
		{name: "ticket of root", ask: login(sim.Admin), recorded: recordings("standalone", "fail_login_ok_root__root-ticket")},
		{
			name: "permissions", ask: asking(sim.Auditor, "home:/access/permissions"), keysAreNames: 3,
			recorded: recordings("standalone", "access_permissions__auditor-token"),
		},
		{
			name: "permissions of a limited token", ask: asking(sim.Limited, "home:/access/permissions"), keysAreNames: 3,
			recorded: recordings("standalone", "access_permissions__limited-token"),
		},
		{
			name: "permissions of a token without rights", ask: asking(sim.NoRights, "home:/access/permissions"),
			recorded: recordings("standalone", "access_permissions__privsep-token-without-acl"),
		},
	}
}
