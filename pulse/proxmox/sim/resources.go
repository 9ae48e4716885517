package sim

import (
	"slices"
	"strconv"
)

// documentKey names one version of the answer of /cluster/resources.
type documentKey struct {
	scope    string
	kind     string // the type filter
	viewer   string // who answers, where that makes a difference
	revision uint64
}

// resources lists everything the caller may see. The answer is encoded once per
// tick and change for all callers with the same rights.
func (k *call) resources() *reply {
	kind := k.param("type")
	if k.params.Has("type") && !slices.Contains([]string{"vm", "storage", "node", "sdn"}, kind) {
		return invalid(map[string]string{
			"type": "value '" + kind + "' does not have a value in the enumeration 'vm, storage, node, sdn'",
		})
	}
	key := documentKey{scope: k.who.scope(), kind: kind, revision: k.c.revision}
	if k.c.noQuorum {
		key.viewer = k.self.name
	}
	if k.c.documentTick != k.tick || len(k.c.documents) > 32 {
		clear(k.c.documents)
		k.c.documentTick = k.tick
	}
	doc := k.c.documents[key]
	if doc == nil {
		doc = newDocument(k.encodeResources(kind))
		k.c.documents[key] = doc
	}
	return okDocument(doc)
}

// encodeResources writes the rows by hand: at 10,000 guests this is what costs.
func (k *call) encodeResources(kind string) []byte {
	rows := rowWriter{out: make([]byte, 0, 512*(len(k.c.order)+8)+1024)}
	rows.out = append(rows.out, `{"data":[`...)
	sums := map[string]*poolSum{}
	if kind == "" || kind == "vm" {
		k.guestRows(&rows, sums)
	}
	if kind == "" {
		k.poolRows(&rows, sums)
	}
	if kind == "" || kind == "node" {
		k.nodeRows(&rows)
	}
	if kind == "" || kind == "storage" {
		k.storageRows(&rows)
	}
	if kind == "" {
		k.networkRows(&rows)
	}
	return append(rows.out, "]}"...)
}

// poolSum adds up the running members of a pool.
type poolSum struct {
	cpu, maxCPU         float64
	mem, maxMem, uptime int64
	members             int
}

func (k *call) guestRows(w *rowWriter, sums map[string]*poolSum) {
	everything := k.who.rights.has("/vms", "VM.Audit")
	for _, g := range k.c.order {
		if !everything && !k.who.rights.has("/vms/"+strconv.Itoa(g.vmid), "VM.Audit") {
			continue
		}
		n := k.c.node(g.node)
		published := n.published(k.tick)
		w.open()
		w.text("id", g.id())
		w.text("type", g.kind)
		w.number("vmid", int64(g.vmid))
		w.text("node", g.node)
		if g.shown == nil || k.c.clk.expired(published, k.tick) {
			w.text("status", "unknown")
		} else {
			r := g.published(*g.shown, published, k.c.cfg, k.c.clk)
			k.guestNumbers(w, g, r)
			sums[g.pool] = sums[g.pool].add(g, r)
		}
		w.optional("lock", g.lock)
		w.optional("tags", g.tags)
		w.optional("pool", g.pool)
		w.optional("hastate", g.haState)
		w.close()
	}
}

// guestNumbers writes what pvestatd published of a guest.
func (k *call) guestNumbers(w *rowWriter, g *guest, r reading) {
	w.text("name", g.shown.name)
	w.text("status", g.shown.status)
	w.number("template", int64(boolInt(g.shown.template)))
	w.number("uptime", r.uptime)
	w.fraction("cpu", r.cpu)
	w.fraction("maxcpu", g.maxCPU)
	w.number("mem", r.mem)
	w.number("maxmem", g.maxMem)
	w.number("memhost", r.memHost)
	w.number("disk", r.disk)
	w.number("maxdisk", g.maxDisk)
	w.number("netin", r.netIn)
	w.number("netout", r.netOut)
	w.number("diskread", r.diskRead)
	w.number("diskwrite", r.diskWrite)
}

func (s *poolSum) add(g *guest, r reading) *poolSum {
	if s == nil {
		s = &poolSum{}
	}
	if g.shown.alive() {
		s.cpu += r.cpu * g.maxCPU
		s.maxCPU += g.maxCPU
		s.mem += r.mem
		s.maxMem += g.maxMem
		s.uptime = max(s.uptime, r.uptime)
		s.members++
	}
	return s
}

func (k *call) poolRows(w *rowWriter, sums map[string]*poolSum) {
	for _, pool := range k.c.pools {
		if !k.who.rights.has("/pool/"+pool, "Pool.Audit") {
			continue
		}
		w.open()
		w.text("id", "/pool/"+pool)
		w.text("type", "pool")
		w.text("pool", pool)
		if s := sums[pool]; s != nil && s.members > 0 {
			w.fraction("cpu", s.cpu/s.maxCPU)
			w.fraction("maxcpu", s.maxCPU)
			w.number("mem", s.mem)
			w.number("maxmem", s.maxMem)
			w.number("uptime", s.uptime)
		}
		w.close()
	}
}

func (k *call) nodeRows(w *rowWriter) {
	for _, n := range k.c.nodes {
		w.open()
		k.nodeRow(w, n)
		w.number("cgroup-mode", 2)
		if k.c.usesHA {
			w.text("hastate", k.c.nodeHAState(n, k.tick))
		}
		w.close()
	}
}

// nodeRow writes what /cluster/resources and /nodes have in common.
func (k *call) nodeRow(w *rowWriter, n *node) {
	published := n.published(k.tick)
	expired := k.c.clk.expired(published, k.tick)
	online := k.c.online(k.self, n)
	audited := k.who.rights.has("/nodes/"+n.name, "Sys.Audit")
	status := "online"
	switch {
	case !online:
		status = "offline"
	case expired:
		status = "unknown"
	}
	w.text("id", "node/"+n.name)
	w.text("type", "node")
	w.text("node", n.name)
	w.text("status", status)
	if expired {
		return
	}
	w.text("level", "")
	if !audited {
		return
	}
	w.number("maxcpu", int64(n.maxCPU))
	w.number("maxmem", n.maxMem)
	w.number("maxdisk", n.maxDisk)
	if !online {
		return
	}
	r := n.at(k.c.clk.time(published), uint64(published))
	w.fraction("cpu", r.cpu)
	w.number("mem", r.mem)
	w.number("disk", r.disk)
	w.number("uptime", r.uptime)
}

func (k *call) storageRows(w *rowWriter) {
	for _, s := range k.c.storages {
		if s.disabled || !k.who.rights.has("/storage/"+s.name, "Datastore.Audit") {
			continue
		}
		for _, n := range k.c.nodes {
			if s.on(n.name) {
				k.storageRow(w, s, n)
			}
		}
	}
}

func (k *call) storageRow(w *rowWriter, s *storage, n *node) {
	published := n.published(k.tick)
	if s.down {
		published = min(published, s.downTick)
	}
	w.open()
	w.text("id", "storage/"+n.name+"/"+s.name)
	w.text("type", "storage")
	w.text("storage", s.name)
	w.text("node", n.name)
	w.text("plugintype", s.plugin)
	w.text("content", s.contentList())
	w.number("shared", int64(boolInt(s.shared)))
	if k.c.clk.expired(published, k.tick) {
		w.text("status", "unknown")
	} else {
		total, used := s.usage(n, k.c.clk.time(published), k.c.clk.base)
		w.text("status", "available")
		w.number("maxdisk", total)
		w.number("disk", used)
	}
	w.close()
}

func (k *call) networkRows(w *rowWriter) {
	if !k.who.rights.has("/sdn/zones/localnetwork", "SDN.Audit") {
		return
	}
	for _, n := range k.c.nodes {
		w.open()
		w.text("id", "network/"+n.name+"/zone/localnetwork")
		w.text("type", "network")
		w.text("network", "localnetwork")
		w.text("network-type", "zone")
		w.text("node", n.name)
		w.text("status", "ok")
		w.close()
	}
}
