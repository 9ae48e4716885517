package sim

import (
	"fmt"
	"slices"
	"time"
)

// build makes the clusters and backup servers of the configuration.
func (e *Estate) build() error {
	if e.cfg.layout == layoutDemo {
		return e.buildDemo()
	}
	root := chance(mix(e.cfg.Seed))
	for i := range e.cfg.BackupServers {
		s, err := e.newBackupServer(root, fmt.Sprintf("pbs%d", i+1), i)
		if err != nil {
			return err
		}
		s.addDatastore("main", "", 64<<40, 0.45)
	}
	for i := range e.cfg.Clusters {
		if err := e.buildCluster(root, i); err != nil {
			return err
		}
	}
	for _, s := range e.servers {
		s.furnishTasks()
	}
	return nil
}

// buildCluster makes cluster i with its share of the guests.
func (e *Estate) buildCluster(root chance, i int) error {
	name := fmt.Sprintf("cluster%d", i+1)
	var names []string
	for n := range e.cfg.NodesPerCluster {
		names = append(names, fmt.Sprintf("c%dn%d", i+1, n+1))
	}
	if len(names) == 1 {
		name = names[0]
	}
	c, err := e.newCluster(root.named("cluster").of(uint64(i)), name, names)
	if err != nil {
		return err
	}
	c.storages = c.generatedStorages()
	if len(e.servers) > 0 {
		c.attach(e.servers[i%len(e.servers)], "main", name)
	}
	guests := e.cfg.Guests/e.cfg.Clusters + boolInt(i < e.cfg.Guests%e.cfg.Clusters)
	for n := range guests {
		c.add(c.generatedGuest(100+n, names))
	}
	c.finish()
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// newCluster makes a cluster without guests and storages.
func (e *Estate) newCluster(c chance, name string, nodes []string) (*cluster, error) {
	authority, err := newAuthority(c, e.clk.base)
	if err != nil {
		return nil, err
	}
	out := &cluster{
		cfg: &e.cfg, clk: e.clk, chance: c, name: name, index: len(e.clusters), standalone: len(nodes) == 1,
		ca: authority, guests: map[int]*guest{}, waiting: map[int]*guest{},
		documents: map[documentKey]*document{},
	}
	for i, nodeName := range nodes {
		n, err := e.newNode(out, nodeName, i)
		if err != nil {
			return nil, err
		}
		out.nodes = append(out.nodes, n)
	}
	out.usesHA = !out.standalone
	e.clusters = append(e.clusters, out)
	return out, nil
}

// newNode makes a member with its address and certificate.
func (e *Estate) newNode(c *cluster, name string, i int) (*node, error) {
	luck := c.chance.named(name)
	cores := []int{8, 16, 32}[luck.of(1).pick(3)]
	n := &node{
		name: name, id: i + 1, chance: luck, model: processor(luck),
		maxCPU: cores, maxMem: int64(cores)*4*(1<<30) - 25_165_824, maxDisk: 103_079_215_104,
		booted:  e.clk.base.Add(-time.Duration(luck.of(2).between(3600, 90*86400)) * time.Second),
		frozen:  -1,
		lastPID: uint32(1000 + luck.of(3).pick(30000)),
	}
	if c.standalone {
		n.id = 0
	}
	n.place = e.newEndpoint(fmt.Sprintf("127.17.%d.%d", c.index+1, i+1), e.memoryPort(e.cfg.PVEPort, 8006))
	n.place.counted = true
	n.place.write = writePVE
	n.place.handle = e.pveHandler(c, n)
	cert, err := c.ca.issue(name, n.place.ip)
	if err != nil {
		return nil, err
	}
	n.place.cert = cert
	return n, nil
}

// memoryPort is the port of an estate without sockets; zero leaves the choice
// to the operating system.
func (e *Estate) memoryPort(configured, usual int) int {
	switch {
	case configured != 0:
		return configured
	case e.cfg.InMemory:
		return usual
	}
	return 0
}

func (e *Estate) newEndpoint(ip string, port int) *endpoint {
	if !e.ownAddresses() {
		ip = "127.0.0.1"
	}
	return &endpoint{ip: ip, port: port, idle: e.cfg.IdleTimeout, now: e.cfg.Now}
}

func processor(c chance) string {
	models := []string{
		"AMD Ryzen 9 7950X", "AMD EPYC 7313P 16-Core Processor",
		"Intel(R) Xeon(R) Silver 4214 CPU @ 2.20GHz", "12th Gen Intel(R) Core(TM) i5-12500T",
	}
	return models[c.named("model").pick(len(models))]
}

// generatedStorages are local storages of each kind and a shared one.
func (c *cluster) generatedStorages() []*storage {
	return []*storage{
		c.newStorage("local", "dir", false, 0, 0, object{"path": "/var/lib/vz"}, "iso", "vztmpl", "backup"),
		c.newStorage("local-lvm", "lvmthin", false, 1<<40, 0.4, object{"thinpool": "data", "vgname": "pve"}, "rootdir", "images"),
		c.newStorage("nas", "nfs", true, 8<<40, 0.5,
			object{"server": "192.0.2.50", "export": "/export/pve", "path": "/mnt/pve/nas"}, "images", "backup"),
	}
}

func (c *cluster) newStorage(name, plugin string, shared bool, total int64, share float64, extra object, content ...string) *storage {
	return &storage{
		name: name, plugin: plugin, chance: c.chance.named("storage").named(name), content: content,
		shared: shared, total: total, share: share, extra: extra,
	}
}

// attach gives the cluster a storage on a PBS, in a namespace of its own.
func (c *cluster) attach(s *backupServer, store, space string) {
	d := s.datastore(store)
	place := &datastorePlace{server: s, datastore: d, namespace: d.addNamespace(space, ""), owner: "pve@pbs!" + space}
	backup := c.newStorage("pbs", "pbs", true, 0, 0, object{
		"server": s.place.ip, "datastore": store, "namespace": space, "username": place.owner,
		"fingerprint": lower(s.place.cert.fingerprint()),
	}, "backup")
	backup.backups = place
	c.storages = append(c.storages, backup)
	c.backups = place
}

// generatedGuest makes a guest without a story.
func (c *cluster) generatedGuest(vmid int, nodes []string) *guest {
	luck := c.chance.named("guest").of(uint64(vmid))
	want := Guest{
		VMID: vmid, Type: typeVM, Node: nodes[vmid%len(nodes)], Status: statusRunning,
		CPUs:        float64(int(1) << luck.of(1).pick(4)),
		MemoryBytes: 1 << 30 << luck.of(2).pick(5),
		DiskBytes:   8 << 30 << luck.of(3).pick(5),
		Agent:       luck.of(4).unit() < 0.7,
	}
	if luck.of(5).unit() < 0.3 {
		want.Type = typeContainer
		want.Agent = false
		if luck.of(6).unit() < 0.2 {
			want.CPUs = 0.5
		}
	}
	want.Name = generatedName(luck, vmid)
	if luck.of(7).unit() < 0.4 {
		want.Tags = []string{"prod", "prod;web", "test", "db;prod"}[luck.of(8).pick(4)]
	}
	if luck.of(9).unit() < 0.1 {
		want.Status = statusStopped
		want.Template = luck.of(10).unit() < 0.2
	}
	return newGuest(luck, want, c.clk.base)
}

func generatedName(luck chance, vmid int) string {
	roles := []string{"web", "db", "mail", "cache", "build", "proxy", "dns", "files", "git", "queue"}
	return fmt.Sprintf("%s-%d", roles[luck.named("role").pick(len(roles))], vmid)
}

// newGuest makes a guest that has existed for months and, unless it is stopped,
// has been running for a while. Missing sizes get defaults.
func newGuest(luck chance, want Guest, now time.Time) *guest {
	setDefault(&want.CPUs, 2)
	setDefault(&want.MemoryBytes, 2<<30)
	setDefault(&want.DiskBytes, 16<<30)
	setDefault(&want.Status, statusStopped)
	if want.Name == "" {
		want.Name = fmt.Sprintf("%s%d", map[string]string{typeVM: "VM ", typeContainer: "CT"}[want.Type], want.VMID)
	}
	g := &guest{
		vmid: want.VMID, kind: want.Type, chance: luck, node: want.Node,
		tags: want.Tags, pool: want.Pool, lock: want.Lock,
		cores: max(int(want.CPUs), 1), maxCPU: want.CPUs, maxMem: want.MemoryBytes, maxDisk: want.DiskBytes,
		level:         luck.named("level").unit() * luck.named("level").unit() * 0.8,
		reportsMemory: luck.named("balloon").unit() < 0.75,
		agent:         want.Agent && want.Type == typeVM,
		created:       now.AddDate(0, -int(luck.named("created").between(2, 30)), 0),
	}
	if want.Type == typeContainer && want.CPUs != float64(int(want.CPUs)) {
		g.cpuLimit = fmt.Sprint(want.CPUs)
		g.level = 1.0
	}
	g.live = guestState{name: want.Name, template: want.Template, status: want.Status}
	if want.Status != statusStopped {
		g.live.started = now.Add(-time.Duration(luck.named("uptime").between(600, 40*86400)) * time.Second)
		g.live.countersSince = g.live.started
		if want.Status != statusRunning {
			g.live.paused = now
		}
	}
	return g
}

// finish settles what depends on all guests: what was published before the
// estate began, accounts, HA, jobs, backups and the tasks of last night.
func (c *cluster) finish() {
	first := c.order[0].vmid
	c.accounts = c.newAccounts(first)
	if c.usesHA {
		for _, g := range c.order[:min(2, len(c.order))] {
			g.haState = "started"
			if !g.live.alive() {
				g.haState = "stopped"
			}
		}
	}
	for _, g := range c.order {
		state := g.live
		g.shown = &state
		g.changed = -1
		if c.backups != nil && !g.live.template {
			space := c.backups.namespace
			space.groups = append(space.groups, c.backups.newGroup(g, c.cfg.BackupsPerGuest, c.clk.base))
		}
	}
	c.jobs = append(c.jobs, c.nightlyJob())
	c.furnishTasks()
}

// newAccounts are the credentials of a cluster.
func (c *cluster) newAccounts(first int) *accounts {
	luck := c.chance.named("accounts")
	audit := auditPrivileges()
	backups := append(slices.Clone(audit), "Datastore.Allocate")
	vm := fmt.Sprintf("/vms/%d", first)
	return &accounts{
		flavour: pveFlavour(),
		key:     luck.named("key").bytes(32),
		list: []account{
			newAccount(luck, Admin, "root@pam", "pulse", true, rights{{"/", allPrivileges()}}),
			newAccount(luck, Auditor, "pulse@pve", "monitor", true, rights{{"/", audit}}),
			newAccount(luck, BackupReader, "backup@pve", "reader", true, rights{{"/", audit}, {"/storage", backups}}),
			newAccount(luck, Limited, "owner@pve", "one", true, rights{{vm, []string{"VM.Audit"}}}),
			newAccount(luck, NoRights, "pulse@pve", "bare", false, nil),
		},
	}
}

// nightlyJob backs everything up at two.
func (c *cluster) nightlyJob() backupJob {
	store := "nas"
	if c.backups != nil {
		store = "pbs"
	}
	return backupJob{
		id: "backup-nightly", schedule: "02:00", storage: store, mode: "snapshot", enabled: true,
		full: true, exclude: "",
	}
}

// furnishTasks gives each node a few tasks of the past.
func (c *cluster) furnishTasks() {
	night := c.clk.base.UTC().Truncate(24 * time.Hour).Add(2 * time.Hour)
	if night.After(c.clk.base) {
		night = night.AddDate(0, 0, -1)
	}
	for _, n := range c.nodes {
		n.past(&task{kind: "aptupdate", status: "OK"}, night.Add(90*time.Minute), 20*time.Second)
		n.past(&task{kind: "vzdump", status: "OK", log: c.vzdumpLog(n, night)}, night, 40*time.Minute)
		for _, g := range c.order {
			if g.node == n.name && g.live.alive() {
				n.past(&task{kind: g.taskKind("start"), id: fmt.Sprint(g.vmid), status: "OK"}, night.Add(4*time.Hour), time.Second)
				break
			}
		}
		slices.SortFunc(n.tasks, func(a, b *task) int { return b.start.Compare(a.start) })
	}
}

// past adds a task that ended before the estate began, if it did.
func (n *node) past(t *task, start time.Time, took time.Duration) {
	n.lastPID++
	t.node, t.user, t.pid = n.name, worker, n.lastPID
	t.pstart = uint32(max(start.Sub(n.booted)/(10*time.Millisecond), 0))
	t.start, t.end = start, start.Add(took)
	n.tasks = append(n.tasks, t)
}
