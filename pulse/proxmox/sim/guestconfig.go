package sim

import (
	"fmt"
	"strconv"
)

// vmConfig is the VM's configuration file as Proxmox reads it: memory is a
// string there, cores are a number.
func (k *call) vmConfig() *reply {
	g, refused := k.guest(typeVM)
	if refused != nil {
		return refused
	}
	row := object{
		"name": g.live.name, "memory": strconv.FormatInt(g.maxMem>>20, 10), "cores": g.cores, "sockets": 1, "numa": 0,
		"ostype": "l26", "cpu": "x86-64-v2-AES", "scsihw": "virtio-scsi-single", "boot": "order=scsi0;ide2;net0",
		"scsi0":   fmt.Sprintf("%s:vm-%d-disk-0,discard=on,iothread=1,size=%dG", g.home(), g.vmid, g.maxDisk>>30),
		"ide2":    "none,media=cdrom",
		"net0":    "virtio=" + g.hardwareAddress() + ",bridge=vmbr0,firewall=1",
		"smbios1": "uuid=" + g.chance.named("smbios").uuid(),
		"vmgenid": g.chance.named("vmgenid").uuid(),
		"meta":    fmt.Sprintf("creation-qemu=9.0.2,ctime=%d", g.created.Unix()),
		"digest":  g.digest(), "onboot": 1,
	}
	if g.agent {
		row["agent"] = "enabled=1,fstrim_cloned_disks=1"
	}
	g.addConfig(row)
	return ok(row)
}

// containerConfig is the container's configuration file.
func (k *call) containerConfig() *reply {
	g, refused := k.guest(typeContainer)
	if refused != nil {
		return refused
	}
	row := object{
		"hostname": g.live.name, "memory": g.maxMem >> 20, "swap": g.maxMem >> 21, "cores": g.cores, "arch": "amd64",
		"ostype": "debian", "digest": g.digest(), "onboot": 1,
		"rootfs": fmt.Sprintf("%s:vm-%d-disk-0,size=%dG", g.home(), g.vmid, g.maxDisk>>30),
		"net0":   "name=eth0,bridge=vmbr0,hwaddr=" + g.hardwareAddress() + ",ip=dhcp,type=veth",
	}
	if g.cpuLimit != "" {
		row["cpulimit"] = g.cpuLimit
	}
	g.addConfig(row)
	return ok(row)
}

// addConfig adds what only some configurations have.
func (g *guest) addConfig(row object) {
	if g.tags != "" {
		row["tags"] = g.tags
	}
	if g.lock != "" {
		row["lock"] = g.lock
	}
	if g.live.template {
		row["template"] = 1
	}
	if n := len(g.snapshots); n > 0 {
		row["parent"] = g.snapshots[n-1].name
	}
}

// home is the storage of the guest's disk.
func (g *guest) home() string {
	if g.onPool {
		return "tank"
	}
	return "local-lvm"
}

// digest changes with the configuration.
func (g *guest) digest() string {
	return g.chance.named(g.live.name).named(g.lock + g.tags).of(uint64(len(g.snapshots))).hex(20)
}

// guestSnapshots lists the snapshots and, as Proxmox does, the present state.
func (k *call) guestSnapshots() *reply {
	g, refused := k.guest(k.kind())
	if refused != nil {
		return refused
	}
	rows := []object{}
	for _, s := range g.snapshots {
		row := object{"name": s.name, "description": s.description, "snaptime": s.taken.Unix()}
		if g.kind == typeVM {
			row["vmstate"] = boolInt(s.vmState)
		}
		if s.parent != "" {
			row["parent"] = s.parent
		}
		rows = append(rows, row)
	}
	current := object{
		"name": "current", "description": "You are here!", "digest": g.digest(), "running": boolInt(g.live.alive()),
	}
	if n := len(g.snapshots); n > 0 {
		current["parent"] = g.snapshots[n-1].name
	}
	return ok(append(rows, current))
}
