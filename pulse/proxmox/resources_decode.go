package proxmox

import "bytes"

// resourceRow holds one row of /cluster/resources while it is read: its type may be the last field. Texts point into
// the reply or the scanner's scratch.
type resourceRow struct {
	kind, id, node, name, status, pool, haState, lock, tags []byte
	storage, plugin, content, level, network, networkKind   []byte
	sdn                                                     []byte
	vmid                                                    Opt[int64]
	template, shared                                        Opt[bool]
	cpu, maxCPU                                             Opt[float64]
	mem, maxMem, memHost, disk, maxDisk, uptime             Opt[int64]
	netIn, netOut, diskRead, diskWrite                      Opt[int64]
}

// decodeResources reads the data of /cluster/resources.
func decodeResources(s *scanner, r *recycler) Resources {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Resources{
		Nodes:    make([]ResourceNode, 0, r.rows.nodes),
		Guests:   make([]ResourceGuest, 0, r.rows.guests),
		Storages: make([]ResourceStorage, 0, r.rows.storages),
		Pools:    make([]ResourcePool, 0, r.rows.pools),
		Networks: make([]ResourceNetwork, 0, r.rows.networks),
	}
	var row resourceRow
	s.array()
	for s.nextRow() {
		row = resourceRow{}
		s.scratch = s.scratch[:0]
		row.read(s)
		row.add(&out, r)
	}
	r.rows = rowCounts{len(out.Nodes), len(out.Guests), len(out.Storages), len(out.Pools), len(out.Networks)}
	return out
}

func (w *resourceRow) read(s *scanner) {
	for name, ok := s.field(); ok; name, ok = s.field() {
		w.readField(name, s)
	}
}

func (w *resourceRow) readField(name []byte, s *scanner) {
	switch string(name) {
	case "type":
		w.kind = s.raw()
	case "id":
		w.id = s.raw()
	case "node":
		w.node = s.raw()
	case "name":
		w.name = s.raw()
	case "status":
		w.status = s.raw()
	case "vmid":
		w.vmid = s.count()
	case "cpu":
		w.cpu = s.share()
	case "maxcpu":
		w.maxCPU = s.share()
	case "mem":
		w.mem = s.count()
	case "maxmem":
		w.maxMem = s.count()
	case "memhost":
		w.memHost = s.count()
	case "disk":
		w.disk = s.count()
	case "maxdisk":
		w.maxDisk = s.count()
	case "uptime":
		w.uptime = s.count()
	case "netin":
		w.netIn = s.count()
	case "netout":
		w.netOut = s.count()
	case "diskread":
		w.diskRead = s.count()
	case "diskwrite":
		w.diskWrite = s.count()
	default:
		w.readRare(name, s)
	}
}

// readRare reads the fields that few rows have.
func (w *resourceRow) readRare(name []byte, s *scanner) {
	switch string(name) {
	case "template":
		w.template = s.flag()
	case "pool":
		w.pool = s.raw()
	case "hastate":
		w.haState = s.raw()
	case "lock":
		w.lock = s.raw()
	case "tags":
		w.tags = s.raw()
	case "storage":
		w.storage = s.raw()
	case "plugintype":
		w.plugin = s.raw()
	case "content":
		w.content = s.raw()
	case "shared":
		w.shared = s.flag()
	case "level":
		w.level = s.raw()
	case "network":
		w.network = s.raw()
	case "network-type":
		w.networkKind = s.raw()
	case "sdn":
		w.sdn = s.raw()
	default:
		s.skip()
	}
}

func (w *resourceRow) add(out *Resources, r *recycler) {
	switch string(w.kind) {
	case "qemu":
		w.addGuest(out, r, VM)
	case "lxc":
		w.addGuest(out, r, Container)
	case "node":
		out.Nodes = append(out.Nodes, w.asNode(r))
	case "storage":
		w.addStorage(out, r)
	case "pool":
		w.addPool(out, r)
	case "network":
		w.addNetwork(out, r, w.network, w.networkKind)
	case "sdn":
		w.addNetwork(out, r, w.sdn, w.kind)
	default:
		out.Skipped++
	}
}

func (w *resourceRow) addGuest(out *Resources, r *recycler, kind GuestKind) {
	vmid := w.vmid
	if !vmid.Known {
		vmid = idAfterSlash(w.id)
	}
	if vmid.Value <= 0 || vmid.Value > maxVMID {
		out.Skipped++
		return
	}
	g := ResourceGuest{
		Kind: kind, VMID: int(vmid.Value), Node: r.intern(w.node), Name: r.intern(w.name), Status: r.intern(w.status),
		Pool: r.intern(w.pool), HAState: r.intern(w.haState), Lock: r.intern(w.lock), Tags: r.intern(w.tags),
		Template: w.template, CPUFraction: w.cpu, MaxCPU: w.maxCPU, MemBytes: w.mem, MaxMemBytes: w.maxMem,
		DiskBytes: w.disk, MaxDiskBytes: w.maxDisk, NetInBytes: w.netIn, NetOutBytes: w.netOut,
		DiskReadBytes: w.diskRead, DiskWriteBytes: w.diskWrite, UptimeSeconds: w.uptime,
	}
	if kind == VM {
		g.MemHostBytes = w.memHost
		g.DiskBytes = nonZero(w.disk)
	}
	out.Guests = append(out.Guests, g)
}

// maxVMID is the largest id Proxmox gives out.
const maxVMID = 999999999

// idAfterSlash reads 100 out of "qemu/100".
func idAfterSlash(id []byte) Opt[int64] {
	i := bytes.LastIndexByte(id, '/')
	if i < 0 {
		return Opt[int64]{}
	}
	n, ok := shortDigits(id[i+1:])
	return Opt[int64]{Value: n, Known: ok}
}

// nonZero makes a zero unknown, where zero means "not measured".
func nonZero(n Opt[int64]) Opt[int64] {
	if n.Value == 0 {
		return Opt[int64]{}
	}
	return n
}

func (w *resourceRow) asNode(r *recycler) ResourceNode {
	return ResourceNode{
		Name: r.intern(w.node), Status: r.intern(w.status), HAState: r.intern(w.haState), Level: r.intern(w.level),
		CPUFraction: w.cpu, MaxCPU: w.maxCPU, MemBytes: w.mem, MaxMemBytes: w.maxMem,
		DiskBytes: w.disk, MaxDiskBytes: w.maxDisk, UptimeSeconds: w.uptime,
	}
}

func (w *resourceRow) addStorage(out *Resources, r *recycler) {
	out.Storages = append(out.Storages, ResourceStorage{
		Name: r.intern(w.storage), Node: r.intern(w.node), Status: r.intern(w.status), Plugin: r.intern(w.plugin),
		Content: r.sortedList(w.content), Shared: w.shared.Value, DiskBytes: w.disk, MaxDiskBytes: w.maxDisk,
	})
}

func (w *resourceRow) addPool(out *Resources, r *recycler) {
	out.Pools = append(out.Pools, ResourcePool{
		Name: r.intern(w.pool), CPUFraction: w.cpu, MaxCPU: w.maxCPU, MemBytes: w.mem, MaxMemBytes: w.maxMem,
		UptimeSeconds: w.uptime,
	})
}

func (w *resourceRow) addNetwork(out *Resources, r *recycler, name, kind []byte) {
	out.Networks = append(out.Networks, ResourceNetwork{
		Name: r.intern(name), Node: r.intern(w.node), Kind: r.intern(kind), Status: r.intern(w.status),
	})
}
