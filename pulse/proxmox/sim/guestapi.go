package sim

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// guest is the guest of the path, of the given type, on the node of the path. A
// guest elsewhere is as unknown as one that does not exist.
func (k *call) guest(kind string) (*guest, *reply) {
	vmid, err := strconv.Atoi(k.vars["vmid"])
	if err != nil {
		return nil, failure(http.StatusBadRequest, err.Error())
	}
	g := k.c.guests[vmid]
	if g == nil || g.kind != kind || g.node != k.n.name {
		return nil, serverError("Configuration file '" + configPath(k.n.name, kind, vmid) + "' does not exist")
	}
	return g, nil
}

// kind is the type of guest that the path is about: its third element.
func (k *call) kind() string {
	if strings.HasPrefix(k.path, "/nodes/"+k.vars["node"]+"/"+typeContainer+"/") {
		return typeContainer
	}
	return typeVM
}

// vmList lists the VMs of the node with live numbers.
func (k *call) vmList() *reply {
	rows := []object{}
	for _, g := range k.guestsHere(typeVM) {
		row := k.vmNumbers(g)
		if k.flag("full") {
			k.addMonitorFields(row, g)
		} else if g.live.alive() {
			// Without the monitor nothing is known of the memory inside.
			row["mem"] = row["memhost"]
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// containerList lists the containers of the node with live numbers.
func (k *call) containerList() *reply {
	rows := []object{}
	for _, g := range k.guestsHere(typeContainer) {
		rows = append(rows, k.containerNumbers(g))
	}
	return ok(rows)
}

// guestsHere are the node's guests of a type that the caller may see.
func (k *call) guestsHere(kind string) []*guest {
	var out []*guest
	for _, g := range k.c.order {
		if g.kind == kind && g.node == k.n.name && k.who.rights.has(fmt.Sprintf("/vms/%d", g.vmid), "VM.Audit") {
			out = append(out, g)
		}
	}
	return out
}

// common are the fields that VMs and containers share.
func (k *call) common(g *guest, r reading) object {
	status := g.live.status
	if g.live.alive() {
		status = statusRunning
	}
	row := object{
		"vmid": g.vmid, "name": g.live.name, "status": status, "uptime": r.uptime, "cpu": fraction(r.cpu), "cpus": fraction(g.maxCPU),
		"mem": r.mem, "maxmem": g.maxMem, "disk": r.disk, "maxdisk": g.maxDisk, "netin": r.netIn, "netout": r.netOut,
	}
	if g.live.template {
		row["template"] = 1
	}
	if g.tags != "" {
		row["tags"] = g.tags
	}
	if g.lock != "" {
		row["lock"] = g.lock
	}
	if g.live.alive() {
		row["pid"] = 1_000_000 + g.vmid
	}
	return row
}

// live is the guest's reading of this moment.
func (k *call) live(g *guest) reading { return g.at(g.live, k.now, uint64(k.tick)) }

// measure is live with the CPU that a worker of the daemon measures between two
// calls: nothing at its first, and nonsense when the guest restarted meanwhile.
func (k *call) measure(g *guest) reading {
	r := k.live(g)
	if !g.live.alive() {
		return r
	}
	switch {
	case g.measured.IsZero():
		r.cpu = 0
	case !g.measured.Equal(g.live.started):
		r.cpu = -g.level
	}
	g.measured = g.live.started
	return r
}

func (k *call) vmNumbers(g *guest) object {
	r := k.measure(g)
	row := k.common(g, r)
	row["memhost"] = r.memHost
	if g.live.alive() {
		for name, value := range map[string]float64{
			"pressurecpusome": 0.05, "pressurecpufull": 0, "pressureiosome": 0.33, "pressureiofull": 0.21,
			"pressurememorysome": 0, "pressurememoryfull": 0,
		} {
			row[name] = value
		}
	}
	return row
}

func (k *call) containerNumbers(g *guest) object {
	r := k.measure(g)
	row := k.common(g, r)
	row["type"] = typeContainer
	row["diskread"], row["diskwrite"] = r.diskRead, r.diskWrite
	row["swap"], row["maxswap"] = r.swap, 0
	if g.live.alive() {
		row["maxswap"] = g.maxMem / 2
		for name, value := range map[string]string{
			"pressurecpusome": "2.10", "pressurecpufull": "0.00", "pressureiosome": "0.01", "pressureiofull": "0.00",
			"pressurememorysome": "0.00", "pressurememoryfull": "0.00",
		} {
			row[name] = value
		}
	}
	return row
}

// vmStatus is the live state of a VM, asked of its monitor.
func (k *call) vmStatus() *reply {
	g, refused := k.guest(typeVM)
	if refused != nil {
		return refused
	}
	row := k.vmNumbers(g)
	k.addMonitorFields(row, g)
	row["ha"] = highAvailability(g)
	if g.agent {
		row["agent"] = 1
	}
	return ok(row)
}

// containerStatus is the live state of a container.
func (k *call) containerStatus() *reply {
	g, refused := k.guest(typeContainer)
	if refused != nil {
		return refused
	}
	row := k.containerNumbers(g)
	row["ha"] = highAvailability(g)
	return ok(row)
}

func highAvailability(g *guest) object {
	if g.haState == "" {
		return object{"managed": 0}
	}
	return object{"managed": 1, "state": g.haState}
}

// addMonitorFields adds what only QEMU's monitor knows. A monitor that does not
// answer leaves them out.
func (k *call) addMonitorFields(row object, g *guest) {
	row["qmpstatus"] = g.live.status
	if !g.live.alive() {
		return
	}
	if g.qmpSilent {
		row["qmpstatus"] = statusRunning
		return
	}
	r := k.live(g)
	row["diskread"], row["diskwrite"] = r.diskRead, r.diskWrite
	row["nics"] = object{fmt.Sprintf("tap%di0", g.vmid): object{"netin": r.netIn, "netout": r.netOut}}
	row["blockstat"] = object{"scsi0": blockStatistics(r.diskRead, r.diskWrite), "ide2": blockStatistics(0, 0)}
	row["running-machine"], row["running-qemu"] = "pc-i440fx-10.1+pve0", "10.1.2"
	row["proxmox-support"] = object{
		"backup-fleecing": true, "backup-max-workers": true, "pbs-dirty-bitmap": true, "pbs-dirty-bitmap-migration": true,
		"pbs-dirty-bitmap-savevm": true, "pbs-masterkey": true, "query-bitmap-info": true,
		"pbs-library-version": "2.0.2 (18806da6e3f1ce4ef4ca3c2c1a8ed36f4c08e9a1)",
	}
	balloon := object{"actual": g.maxMem, "max_mem": g.maxMem, "last_update": k.now.Unix()}
	if g.reportsMemory {
		free := g.maxMem - r.mem
		row["freemem"] = free
		balloon["free_mem"], balloon["total_mem"] = free, g.maxMem
		balloon["mem_swapped_in"], balloon["mem_swapped_out"] = 0, 0
		balloon["major_page_faults"], balloon["minor_page_faults"] = 1234, 1234567
	}
	row["balloon"], row["ballooninfo"] = g.maxMem, balloon
}

// blockStatistics are QEMU's numbers of one drive.
func blockStatistics(read, written int64) object {
	out := object{
		"rd_bytes": read, "wr_bytes": written, "rd_operations": read / 16384, "wr_operations": written / 8192,
		"account_failed": true, "account_invalid": true, "timed_stats": []any{},
	}
	used := int64(boolInt(written > 0))
	for name, value := range map[string]int64{
		"flush_operations": 1234, "flush_total_time_ns": 87654321, "idle_time_ns": 123456789,
		"rd_total_time_ns": 987654321, "wr_total_time_ns": 1987654321, "wr_highest_offset": 12000000000,
		"failed_flush_operations": 0, "failed_rd_operations": 0, "failed_unmap_operations": 0, "failed_wr_operations": 0,
		"failed_zone_append_operations": 0, "invalid_flush_operations": 0, "invalid_rd_operations": 0,
		"invalid_unmap_operations": 0, "invalid_wr_operations": 0, "invalid_zone_append_operations": 0,
		"rd_merged": 0, "wr_merged": 0, "unmap_bytes": 0, "unmap_merged": 0, "unmap_operations": 0,
		"unmap_total_time_ns": 0, "zone_append_bytes": 0, "zone_append_merged": 0, "zone_append_operations": 0,
		"zone_append_total_time_ns": 0,
	} {
		out[name] = value * used
	}
	return out
}

// startGuest, stopGuest and shutdownGuest start a task and answer its UPID.
func (k *call) startGuest() *reply {
	g, refused := k.guest(k.kind())
	switch {
	case refused != nil:
		return refused
	case g.live.template:
		return serverError("you can't start a vm if it's a template")
	case g.live.alive() && g.kind == typeVM:
		return serverError(fmt.Sprintf("VM %d already running", g.vmid))
	case g.live.alive():
		return serverError(fmt.Sprintf("CT %d already running", g.vmid))
	}
	return ok(k.c.start(g, k.who.user, k.who.token, k.now).upid())
}

func (k *call) stopGuest() *reply { return k.haltGuest("stop") }

func (k *call) shutdownGuest() *reply { return k.haltGuest("shutdown") }

func (k *call) haltGuest(action string) *reply {
	g, refused := k.guest(k.kind())
	switch {
	case refused != nil:
		return refused
	case !g.live.alive() && g.kind == typeContainer:
		return serverError(fmt.Sprintf("CT %d not running", g.vmid))
	case !g.live.alive() && action == "shutdown":
		return serverError(fmt.Sprintf("VM %d not running", g.vmid))
	}
	return ok(k.c.stop(g, action, k.who.user, k.who.token, k.now).upid())
}

// hardwareAddress is the MAC of a guest's first network card.
func (g *guest) hardwareAddress() string {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(g.vmid))
	return fmt.Sprintf("BC:24:11:%02X:%02X:%02X", id[5], id[6], id[7])
}
