package sim

// metrics answers /cluster/metrics/export with the newest generation: numbers
// with the time they were measured.
func (k *call) metrics() *reply {
	rows := []object{}
	for _, n := range k.c.nodes {
		if n.off || (k.flag("local-only") && n != k.self) {
			continue
		}
		rows = k.nodeMetrics(rows, n)
	}
	return ok(object{"data": rows})
}

// nodeMetrics adds what one member exports.
func (k *call) nodeMetrics(rows []object, n *node) []object {
	published := n.published(k.tick)
	at := k.c.clk.time(published)
	add := func(id, metric, kind string, value any) {
		rows = append(rows, object{"id": id, "metric": metric, "timestamp": at.Unix(), "type": kind, "value": value})
	}
	r := n.at(at, uint64(published))
	id := "node/" + n.name
	add(id, "uptime", "gauge", r.uptime)
	add(id, "net_in", "derive", r.netIn)
	add(id, "net_out", "derive", r.netOut)
	add(id, "cpu_avg1", "gauge", r.load1)
	add(id, "cpu_avg5", "gauge", r.load5)
	add(id, "cpu_avg15", "gauge", r.load15)
	add(id, "cpu_max", "gauge", n.maxCPU)
	add(id, "cpu_current", "gauge", r.cpu)
	add(id, "cpu_iowait", "gauge", r.wait)
	add(id, "mem_total", "gauge", n.maxMem)
	add(id, "mem_used", "gauge", r.mem)
	add(id, "swap_total", "gauge", int64(8_589_930_496))
	add(id, "swap_used", "gauge", r.swapUsed)
	add(id, "disk_total", "gauge", n.maxDisk)
	add(id, "disk_used", "gauge", r.disk)
	for _, g := range k.c.order {
		if g.node == n.name && g.shown != nil {
			k.guestMetrics(add, g, published)
		}
	}
	for _, s := range k.c.storages {
		total, used := int64(0), int64(0)
		if !s.down && !s.disabled && s.on(n.name) {
			total, used = s.usage(n, at, k.c.clk.base)
		}
		id := "storage/" + n.name + "/" + s.name
		add(id, "disk_total", "gauge", total)
		add(id, "disk_used", "gauge", used)
	}
	return rows
}

func (k *call) guestMetrics(add func(id, metric, kind string, value any), g *guest, published int64) {
	r := g.published(*g.shown, published, k.c.cfg, k.c.clk)
	id := g.id()
	if g.shown.alive() {
		add(id, "cpu_current", "gauge", r.cpu)
		add(id, "mem_used", "gauge", r.mem)
		add(id, "disk_read", "derive", r.diskRead)
		add(id, "disk_write", "derive", r.diskWrite)
		add(id, "net_in", "derive", r.netIn)
		add(id, "net_out", "derive", r.netOut)
		if g.kind == typeContainer {
			add(id, "disk_used", "gauge", r.disk)
		}
	}
	add(id, "cpu_max", "gauge", g.maxCPU)
	add(id, "disk_total", "gauge", g.maxDisk)
	add(id, "mem_total", "gauge", g.maxMem)
	add(id, "uptime", "gauge", r.uptime)
}
