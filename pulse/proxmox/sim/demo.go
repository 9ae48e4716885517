package sim

import (
	"fmt"
	"slices"
	"time"
)

const gib = 1 << 30

// longAgo is a tick whose numbers have expired before the estate began.
const longAgo = -100_000

// buildDemo furnishes the estate of [Demo].
func (e *Estate) buildDemo() error {
	root := chance(mix(e.cfg.Seed))
	vault, err := e.newBackupServer(root, "vault", 0)
	if err != nil {
		return err
	}
	vault.addDatastore("main", "nightly backups", 12<<40, 0.52)
	offsite := vault.addDatastore("offsite", "weekly copy", 16<<40, 0.31)
	offsite.neverGC = true
	if err := e.buildHome(root, vault); err != nil {
		return err
	}
	if err := e.buildAttic(root, vault); err != nil {
		return err
	}
	laptop := &group{
		chance: offsite.chance.named("laptop"), kind: "host", id: "laptop-anna", owner: "anna@pbs", about: "",
		size: 210 * gib, count: 3, newest: e.clk.base.Truncate(time.Hour).AddDate(0, 0, -2),
	}
	offsite.namespaces[0].groups = append(offsite.namespaces[0].groups, laptop)
	vault.furnishTasks()
	return nil
}

// buildHome is the cluster of three nodes.
func (e *Estate) buildHome(root chance, vault *backupServer) error {
	c, err := e.newCluster(root.named("home"), "home", []string{"alder", "birch", "cedar"})
	if err != nil {
		return err
	}
	c.pools = []string{"production", "lab"}
	c.storages = c.generatedStorages()
	for _, s := range c.storages {
		if s.name == "nas" {
			s.archives = 2
		}
	}
	tank := c.newStorage("tank", "zfspool", false, 4<<40, 0.6,
		object{"pool": "tank/vmdata", "sparse": 1, "mountpoint": "/tank/vmdata"}, "images", "rootdir")
	tank.only = []string{"alder", "birch"}
	usb := c.newStorage("usb-disk", "dir", false, 1<<40, 0, object{"path": "/mnt/usb-disk", "is_mountpoint": "1"}, "backup")
	usb.only = []string{"cedar"}
	usb.downText = "unable to activate storage 'usb-disk' - directory is expected to be a mount point but is not mounted: '/mnt/usb-disk'"
	usb.setDown(true, longAgo)
	old := c.newStorage("old-iso", "dir", false, 0, 0, object{"path": "/mnt/old-iso", "disable": 1}, "iso")
	old.disabled = true
	scratch := c.newStorage("scratch", "dir", true, 512*gib, 0, object{"path": "/mnt/scratch", "is_mountpoint": "1"}, "iso", "snippets")
	c.storages = append(c.storages, tank, usb, old, scratch)
	c.attach(vault, "main", "home")
	for _, want := range homeGuests() {
		c.add(newGuest(c.chance.named("guest").of(uint64(want.VMID)), want, e.clk.base))
	}
	c.guests[101].snapshots = []guestSnapshot{
		{name: "initial", taken: e.clk.base.AddDate(0, -3, 0).Truncate(time.Second)},
		{name: "before-upgrade", description: "before version 17", parent: "initial", vmState: true, taken: e.clk.base.AddDate(0, 0, -9).Truncate(time.Second)},
	}
	c.guests[110].snapshots = []guestSnapshot{{name: "clean", description: "first\n", taken: e.clk.base.AddDate(0, -1, 0).Truncate(time.Second)}}
	c.guests[105].reportsMemory = false
	c.guests[101].reportsMemory = true
	c.guests[102].onPool, c.guests[114].onPool = true, true
	c.jobs = append(c.jobs, backupJob{
		id: "backup-weekly", schedule: "sun 03:30", storage: "nas", mode: "stop", comment: "weekly to the NAS",
		vmids: "101,110", enabled: false,
	})
	c.replications = []replication{
		{guest: 100, number: 0, target: "birch", schedule: "*/15", comment: "to birch"},
		{guest: 100, number: 1, target: "cedar", schedule: "mon..fri 22:00", disabled: true},
	}
	c.finish()
	c.jobs[len(c.jobs)-1].exclude = "108"
	c.furnishTroubles()
	return nil
}

// furnishTroubles adds tasks that did not end well, and one of a token.
func (c *cluster) furnishTroubles() {
	n := c.nodes[2]
	begin := c.clk.base.Add(-3 * time.Hour).Truncate(time.Second)
	n.past(&task{kind: "vzdump", status: "job errors", log: []string{
		"INFO: Starting Backup of VM 115 (lxc)", "ERROR: Backup of VM 115 failed - CT is locked (backup)",
		"INFO: Backup job finished with errors",
	}}, begin, 4*time.Minute)
	n.past(&task{kind: "qmigrate", id: "104", status: "WARNINGS: 1"}, begin.Add(time.Hour), time.Minute)
	n.past(&task{kind: "aptupdate", token: "pulse", status: "command 'apt-get update' failed: exit code 100"}, begin.Add(2*time.Hour), 9*time.Second)
	slices.SortFunc(n.tasks, func(a, b *task) int { return b.start.Compare(a.start) })
}

// homeGuests are the guests of the cluster.
func homeGuests() []Guest {
	vm := func(id int, node, name string, cpus, memory, disk int64) Guest {
		return Guest{
			VMID: id, Type: typeVM, Node: node, Name: name, CPUs: float64(cpus), MemoryBytes: memory * gib,
			DiskBytes: disk * gib, Status: statusRunning, Agent: true, Pool: "production",
		}
	}
	ct := func(id int, node, name string, cpus float64, memory, disk int64) Guest {
		return Guest{
			VMID: id, Type: typeContainer, Node: node, Name: name, CPUs: cpus, MemoryBytes: memory << 20,
			DiskBytes: disk * gib, Status: statusRunning,
		}
	}
	guests := []Guest{
		vm(100, "alder", "home-assistant", 2, 4, 32),
		vm(101, "alder", "nextcloud", 4, 8, 200),
		vm(102, "birch", "postgres", 4, 16, 100),
		vm(103, "birch", "gitlab", 8, 16, 120),
		vm(104, "cedar", "win11-desk", 6, 16, 128),
		vm(105, "cedar", "firewall", 2, 2, 8),
		vm(106, "alder", "k3s-1", 4, 8, 64),
		vm(107, "birch", "k3s-2", 4, 8, 64),
		vm(108, "cedar", "test-debian", 2, 2, 16),
		vm(109, "alder", "debian-13-template", 2, 2, 8),
		ct(110, "alder", "dns-1", 0.5, 512, 4),
		ct(111, "birch", "dns-2", 0.5, 512, 4),
		ct(112, "cedar", "grafana", 2, 2048, 16),
		ct(113, "birch", "paperless", 2, 4096, 40),
		ct(114, "alder", "jellyfin", 4, 4096, 24),
		ct(115, "cedar", "backup-relay", 1, 1024, 8),
		ct(116, "cedar", "alpine-template", 1, 256, 2),
	}
	byID := func(id int) *Guest { return &guests[id-100] }
	byID(100).Tags = "iot;prod"
	byID(101).Tags = "prod;web"
	byID(102).Tags = "db;prod"
	byID(104).Tags, byID(104).Pool, byID(104).Status = "desktop", "lab", statusStopped
	byID(105).Tags, byID(105).Agent = "network", false
	byID(108).Pool, byID(108).Status = "lab", statusPaused
	byID(107).Lock = "backup"
	byID(109).Template, byID(109).Status, byID(109).Pool, byID(109).Agent = true, statusStopped, "", false
	byID(110).Tags, byID(111).Tags = "network", "network"
	byID(115).Status = statusStopped
	byID(116).Template, byID(116).Status = true, statusStopped
	return guests
}

// buildAttic is the standalone host.
func (e *Estate) buildAttic(root chance, vault *backupServer) error {
	c, err := e.newCluster(root.named("attic"), "attic", []string{"attic"})
	if err != nil {
		return err
	}
	c.storages = c.generatedStorages()[:2]
	c.attach(vault, "main", "attic")
	names := []string{"mail", "wiki", "minecraft", "scanner", "octoprint", "spare"}
	for i, name := range names {
		want := Guest{
			VMID: 100 + i, Type: typeVM, Node: "attic", Name: name, CPUs: 2, MemoryBytes: 2 * gib,
			DiskBytes: 32 * gib, Status: statusRunning, Agent: i%2 == 0,
		}
		if i >= 3 {
			want.Type, want.Agent, want.MemoryBytes, want.DiskBytes = typeContainer, false, gib/2, 6*gib
		}
		if name == "spare" {
			want.Status = statusStopped
		}
		c.add(newGuest(c.chance.named("guest").of(uint64(want.VMID)), want, e.clk.base))
	}
	c.finish()
	return nil
}

// describe is a comment for a backup of a guest, after the default template.
func (g *group) describe() string {
	if g.about == "" {
		return ""
	}
	return fmt.Sprintf("%s, %s", g.about, g.id)
}
