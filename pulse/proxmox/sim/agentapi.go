package sim

import "fmt"

// agentGuest is the VM of the path when its agent answers.
func (k *call) agentGuest() (*guest, *reply) {
	g, refused := k.guest(typeVM)
	switch {
	case refused != nil:
		return nil, refused
	case !g.agent:
		return nil, serverError("No QEMU guest agent configured")
	case !g.live.alive():
		return nil, serverError(fmt.Sprintf("VM %d is not running", g.vmid))
	case g.agentHangs:
		return nil, serverError("QEMU guest agent is not running")
	}
	return g, nil
}

// agentFilesystems lists the file systems inside, with a bind mount, a snap and
// a network mount among them, as real guests have.
func (k *call) agentFilesystems() *reply {
	g, refused := k.agentGuest()
	if refused != nil {
		return refused
	}
	total := g.maxDisk - g.maxDisk/40
	share := g.chance.of(saltDisk).between(0.1, 0.9)
	disk := object{
		"bus": 0, "bus-type": "scsi", "dev": "/dev/sda1", "serial": "drive-scsi0", "target": 0, "unit": 0,
		"pci-controller": object{"bus": 9, "domain": 0, "function": 0, "slot": 1},
	}
	return ok(object{"result": []object{
		{
			"name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": total, "disk": []object{disk},
			"total-bytes-privileged": total + total/20, "used-bytes": int64(share * float64(total)),
		},
		{"name": "sda15", "mountpoint": "/boot/efi", "type": "vfat", "total-bytes": 129718272, "used-bytes": 9012224, "disk": []object{}},
		{"name": "loop0", "mountpoint": "/snap/core/1", "type": "squashfs", "total-bytes": 67108864, "used-bytes": 67108864, "disk": []object{}},
		{"name": "nfs", "mountpoint": "/mnt/nfs", "type": "nfs4", "disk": []object{}},
	}})
}

// agentOS tells the operating system inside.
func (k *call) agentOS() *reply {
	if _, refused := k.agentGuest(); refused != nil {
		return refused
	}
	return ok(object{"result": object{
		"id": "debian", "name": "Debian GNU/Linux", "version": "13 (trixie)", "version-id": "13",
		"pretty-name": "Debian GNU/Linux 13 (trixie)", "machine": "x86_64", "kernel-release": "6.12.48+deb13-amd64",
		"kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)",
	}})
}

// agentNetwork lists the network interfaces inside.
func (k *call) agentNetwork() *reply {
	g, refused := k.agentGuest()
	if refused != nil {
		return refused
	}
	r := k.live(g)
	address := fmt.Sprintf("192.0.2.%d", 1+g.vmid%250)
	statistics := func(in, out int64) object {
		return object{
			"rx-bytes": in, "tx-bytes": out, "rx-packets": in / 900, "tx-packets": out / 900,
			"rx-errs": 0, "tx-errs": 0, "rx-dropped": 0, "tx-dropped": 0,
		}
	}
	ip := func(kind, address string, prefix int) object {
		return object{"ip-address-type": kind, "ip-address": address, "prefix": prefix}
	}
	return ok(object{"result": []object{
		{
			"name": "lo", "hardware-address": "00:00:00:00:00:00", "statistics": statistics(1000, 1000),
			"ip-addresses": []object{ip("ipv4", "127.0.0.1", 8), ip("ipv6", "::1", 128)},
		},
		{
			"name": "ens18", "hardware-address": lower(g.hardwareAddress()), "statistics": statistics(r.netIn, r.netOut),
			"ip-addresses": []object{ip("ipv4", address, 24), ip("ipv6", fmt.Sprintf("2001:db8::%x", g.vmid), 64)},
		},
		{"name": "wg0"},
	}})
}
