package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// reading is a target with its newest observation.
type reading struct {
	target Target
	obs    *estate.Observation
}

// naive renders readings as of now.
type naive struct {
	readings []reading
	now      time.Time
}

func (n naive) sorted() []reading {
	list := slices.Clone(n.readings)
	slices.SortFunc(list, func(a, b reading) int {
		return cmp.Or(
			-strings.Compare(string(a.target.ID.Kind()), string(b.target.ID.Kind())),
			a.target.ID.Number()-b.target.ID.Number(),
		)
	})
	return list
}

func (n naive) state(t require.TestingT, at time.Time, s Stats) []byte {
	d := naiveDocument{
		Nodes: []naiveNode{}, VMs: []naiveGuest{}, Containers: []naiveGuest{}, PBS: []naiveServer{},
		Storage: n.storages(), PBSBackups: []string{}, Metrics: []string{}, Health: map[string]bool{},
		Alerts: []string{}, Resolved: []string{}, LastUpdate: at.UTC(), Targets: []naiveTarget{},
	}
	d.PVEBackups.Tasks, d.PVEBackups.Storage, d.PVEBackups.Snapshots = []string{}, []string{}, []string{}
	d.Performance.Last = s.LastPollDuration.Seconds()
	d.Stats.Started, d.Stats.Uptime = s.StartTime.UTC(), int64(max(0, at.Sub(s.StartTime).Seconds()))
	d.Stats.Cycles, d.Stats.Clients, d.Stats.Version = s.PollingCycles, s.WebSocketClients, s.Version
	for _, r := range n.sorted() {
		n.addTarget(&d, r)
	}
	slices.SortStableFunc(d.Nodes, func(a, b naiveNode) int { return strings.Compare(a.Name, b.Name) })
	byVMID := func(a, b naiveGuest) int { return a.VMID - b.VMID }
	slices.SortStableFunc(d.VMs, byVMID)
	slices.SortStableFunc(d.Containers, byVMID)
	return marshal(t, d)
}

func (n naive) storageList(t require.TestingT, at time.Time) []byte {
	return marshal(t, struct {
		Data      []naiveStorage `json:"data"`
		Timestamp int64          `json:"timestamp"`
	}{n.storages(), at.Unix()})
}

func marshal(t require.TestingT, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.TrimSpace(data)
}

func (n naive) addTarget(d *naiveDocument, r reading) {
	o, t := r.obs, r.target
	c := JudgeConnection(o, t.Horizon, n.now)
	d.Targets = append(d.Targets, naiveTarget{
		string(t.ID), t.Name, string(t.ID.Kind()), c.Status, c.Error, c.Reason, o.Poll.LastSuccess.UTC(),
		o.Poll.FailedSince.UTC(), o.Poll.Unreachable, o.Cluster.Name, o.Cluster.Version, o.Cluster.Quorate,
	})
	key := t.Name
	if t.ID.Kind() == estate.PBS {
		key = "pbs-" + key
		d.PBS = append(d.PBS, n.server(r, c))
	}
	before, ok := d.Health[key]
	d.Health[key] = naiveReached(c) && (before || !ok)
	for i := range o.Nodes {
		d.Nodes = append(d.Nodes, n.node(r, &o.Nodes[i], c))
	}
	for i := range o.Guests {
		g := n.guest(r, &o.Guests[i])
		if g.Type == "lxc" {
			d.Containers = append(d.Containers, g)
		} else {
			d.VMs = append(d.VMs, g)
		}
	}
}

func naiveReached(c Connection) bool { return c.Status == "connected" || c.Status == "degraded" }

// gaps collects the names of unknown numbers.
type gaps []string

func (g *gaps) int(name string, o estate.Opt[int64]) int64 {
	n, ok := o.Get()
	if !ok || n < 0 {
		*g = append(*g, name)
		return 0
	}
	return n
}

func (g *gaps) float(name string, o estate.Opt[float64]) float64 {
	n, ok := o.Get()
	if !ok || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
		*g = append(*g, name)
		return 0
	}
	return n
}

func (g *gaps) rate(name string, o estate.Opt[float64]) int64 {
	before := len(*g)
	n := g.float(name, o)
	if len(*g) > before {
		return -1
	}
	return whole(n)
}

func whole(f float64) int64 {
	if f >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(f)
}

func (g *gaps) space(name string, total, used estate.Opt[int64]) naiveSpace {
	var inner gaps
	t, u := inner.int("total", total), inner.int("used", used)
	switch {
	case name == "":
		*g = append(*g, inner...)
	case len(inner) > 0:
		*g = append(*g, name)
	}
	s := naiveSpace{Total: t, Used: u, Free: max(0, t-u)}
	if t > 0 {
		s.Usage = min(100, float64(u)/float64(t)*100)
	}
	return s
}

func (n naive) freshness(r reading, uid string, s estate.Seen) naiveFreshness {
	f := naiveFreshness{UID: uid, Freshness: r.target.Horizon.Judge(s, n.now)}
	if f.Freshness != estate.Live {
		f.ObservedAt = naiveObserved(s)
	}
	return f
}

func (n naive) node(r reading, v *estate.Node, c Connection) naiveNode {
	var g gaps
	x := naiveNode{
		ID: r.target.Slug + "-" + v.Name, Name: v.Name, Instance: r.target.Name, Status: v.Status, Type: "node",
		CPU: g.float("cpu", v.CPUFraction), Memory: g.space("memory", v.MemTotalBytes, v.MemUsedBytes),
		Disk: g.space("disk", v.DiskTotalBytes, v.DiskUsedBytes), Uptime: g.int("uptime", v.UptimeSeconds),
		Load: []float64{}, naiveFreshness: n.freshness(r, estate.NodeKey{Target: r.target.ID, Node: v.Name}.UID(), v.Seen),
		HAState: v.HAState, Subscription: v.Level, Address: v.Address, LastSeen: v.Seen.At.UTC(), Health: "healthy",
	}
	split := r.obs.Cluster.Quorate == estate.Some(false)
	age := n.now.Sub(r.obs.Poll.LastSuccess)
	switch {
	case v.Status == "offline" && !split:
		if r.obs.Poll.LastSuccess.IsZero() || age > r.target.Horizon.Stale {
			x.Status = "unknown"
		}
	case x.Freshness == estate.Unknown || x.Status == "":
		x.Status = "unknown"
	}
	if v.Status == "offline" && split && x.Freshness == estate.Live {
		x.Freshness, x.ObservedAt = estate.Stale, naiveObserved(v.Seen)
	}
	x.Health = naiveNodeHealth(r, v, c, x.Freshness, split)
	d := v.Detail
	if d == nil {
		d = &estate.NodeDetail{}
	}
	x.fromDetail(v, d, &g)
	x.Unknown = g
	return x
}

// aboard takes back what is said of a thing on a node that is offline.
func (n naive) aboard(r reading, node string, s estate.Seen, f *naiveFreshness) (lost bool) {
	on := r.obs.Node(node)
	if on == nil || on.Status != "offline" {
		return f.Freshness == estate.Unknown
	}
	if f.Freshness == estate.Live {
		f.Freshness, f.ObservedAt = estate.Stale, naiveObserved(s)
	}
	return f.Freshness == estate.Unknown || on.Seen.At.IsZero() || n.now.Sub(on.Seen.At) > r.target.Horizon.Live
}

func naiveObserved(s estate.Seen) time.Time {
	if !s.Advanced.IsZero() && s.Advanced.Before(s.At) {
		return s.Advanced.UTC()
	}
	return s.At.UTC()
}

func naiveNodeHealth(r reading, v *estate.Node, c Connection, fresh estate.Freshness, split bool) string {
	missed := r.obs.Poll.Unreachable
	switch {
	case !naiveReached(c):
		return "error"
	case v.Status == "offline" && !split:
		return "offline"
	case fresh != estate.Live || v.Status == "unknown":
		return "stale"
	case slices.Contains(missed, v.Name) || v.Address != "" && slices.Contains(missed, v.Address):
		return "unreachable"
	}
	return "healthy"
}

func (x *naiveNode) fromDetail(v *estate.Node, d *estate.NodeDetail, g *gaps) {
	x.Load = append(x.Load, d.LoadAverage...)
	x.Kernel, x.Version, x.DetailAt = d.KernelVersion, d.PVEVersion, d.At.UTC()
	x.CPUInfo.Model, x.CPUInfo.MHz = d.CPUModel, d.CPUMHz
	var inner gaps
	if d.CPUCores.Known() {
		x.CPUInfo.Cores = inner.int("", d.CPUCores)
	} else {
		x.CPUInfo.Cores = whole(inner.float("", v.CPUs))
	}
	x.CPUInfo.Sockets = inner.int("", d.CPUSockets)
	if len(inner) > 0 {
		*g = append(*g, "cpuInfo")
	}
	if avail, ok := d.RootAvailBytes.Get(); ok {
		x.Disk.Free = min(x.Disk.Free, avail)
	}
	if d.SwapTotalBytes.Known() && d.SwapUsedBytes.Known() {
		var ignored gaps
		swap := ignored.space("swap", d.SwapTotalBytes, d.SwapUsedBytes)
		x.Swap = &swap
	}
	if wait, ok := d.IOWaitFraction.Get(); ok {
		x.IOWait = &wait
	}
}

func (n naive) guest(r reading, v *estate.Guest) naiveGuest {
	var g gaps
	halted := v.Status == "stopped"
	x := naiveGuest{
		ID: guestID(r.target.Slug, v.Node, v.VMID), VMID: v.VMID, Name: v.Name, Node: v.Node, Instance: r.target.Name,
		Status: v.Status, Type: string(v.Kind), Template: v.Template, Tags: v.Tags, Lock: v.Lock, Pool: v.Pool,
		HAState: v.HAState, LastSeen: v.Seen.At.UTC(),
		naiveFreshness: n.freshness(r, v.Key(r.target.ID).UID(), v.Seen),
	}
	if v.Status == "running" || v.Status == "unknown" || v.Status == "" {
		x.CPU = g.float("cpu", v.CPUFraction)
	}
	cpus := g.float("cpus", v.CPUs)
	x.CPUs = whole(cpus)
	if cpus > 0 && cpus < 1 {
		x.CPUs = 1
	}
	if cpus != float64(x.CPUs) {
		x.CPULimit = cpus
	}
	used := v.MemUsedBytes
	if halted {
		used = estate.Some[int64](0)
	}
	x.Memory = g.space("memory", v.MemTotalBytes, used)
	x.Disk = g.space("disk", v.DiskTotalBytes, v.DiskUsedBytes)
	if used, ok := v.DiskUsedBytes.Get(); ok && used >= 0 {
		x.DiskSource = map[estate.GuestKind]string{estate.VM: "agent", estate.Container: "rootfs"}[v.Kind]
	}
	if !halted {
		x.NetIn, x.NetOut = g.rate("networkIn", v.Rates.NetIn), g.rate("networkOut", v.Rates.NetOut)
		x.DiskRead, x.DiskWrite = g.rate("diskRead", v.Rates.DiskRead), g.rate("diskWrite", v.Rates.DiskWrite)
		x.Uptime, x.MemorySource = g.int("uptime", v.UptimeSeconds), string(v.MemSource)
		if host, ok := v.MemHostBytes.Get(); ok {
			x.MemoryHost = &host
		}
	}
	if n.aboard(r, v.Node, v.Seen, &x.naiveFreshness) || x.Status == "" {
		x.Status = "unknown"
	}
	x.inside(v)
	x.Unknown = g
	return x
}

func (x *naiveGuest) inside(v *estate.Guest) {
	if b := v.Balloon; b != nil {
		x.Balloon = &naiveBalloon{
			b.At.UTC(), b.ActualBytes, b.MaxBytes, b.MinBytes, b.TotalBytes, b.FreeBytes,
			b.GuestReported.UTC(),
		}
	}
	if f := v.Filesystems; f != nil {
		list, at := []naiveFilesystem{}, f.At.UTC()
		for _, fs := range f.List {
			list = append(list, naiveFilesystem{
				fs.Mountpoint, fs.Type, fs.Device, fs.UsedBytes, fs.TotalBytes,
			})
		}
		x.Filesystems, x.FilesystemsAt, x.FilesystemsReason = &list, &at, f.Reason
	}
}

func (n naive) storages() []naiveStorage {
	list := []naiveStorage{}
	shared := map[string]bool{}
	for _, r := range n.sorted() {
		for i := range r.obs.Storages {
			v := &r.obs.Storages[i]
			x := n.storage(r, v)
			if v.Node == "" && shared[v.Name] {
				x.ID = "shared-" + r.target.Slug + "-" + v.Name
			}
			shared[v.Name] = shared[v.Name] || v.Node == ""
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, func(a, b naiveStorage) int { return strings.Compare(a.Instance, b.Instance) })
	return list
}

func (n naive) storage(r reading, v *estate.Storage) naiveStorage {
	var g gaps
	x := naiveStorage{
		ID: r.target.Slug + "-" + v.Node + "-" + v.Name, Name: v.Name, Node: v.Node, Instance: r.target.Name, Type: v.Type,
		naiveSpace: g.space("", v.TotalBytes, v.UsedBytes), Shared: v.Shared, Enabled: v.Enabled, Active: v.Active,
		Content: strings.Join(slices.Sorted(slices.Values(v.Content)), ","), OnNodes: v.OnNodes, Server: v.Server,
		Datastore: v.Datastore, Namespace: v.Namespace, LastSeen: v.Seen.At.UTC(),
		naiveFreshness: n.freshness(r, v.Key(r.target.ID).UID(), v.Seen),
	}
	if v.Node == "" {
		x.ID, x.Node, x.Shared = "shared-"+v.Name, "shared", true
	}
	x.Status = "inactive"
	if v.Active {
		x.Status = "available"
	}
	if n.aboard(r, v.Node, v.Seen, &x.naiveFreshness) {
		x.Status = "unknown"
	}
	if !v.Enabled {
		x.Status = "disabled"
	}
	x.Unknown = g
	return x
}

func (n naive) server(r reading, c Connection) naiveServer {
	var g gaps
	v := r.obs.Server
	if v == nil {
		v = &estate.Server{}
	}
	x := naiveServer{
		ID: "pbs-" + r.target.Slug, Name: r.target.Name, Host: r.target.Host, Status: "online", Version: "unknown",
		CPU: g.float("cpu", v.CPUFraction), Health: "healthy", FullVersion: v.Version, Kernel: v.KernelVersion,
		CPUModel: v.CPUModel, CPUs: v.CPUs, Error: c.Error, Reason: c.Reason, LastSeen: v.Seen.At.UTC(),
		Load: v.LoadAverage, Datastores: []naiveDatastore{}, BackupJobs: []string{}, SyncJobs: []string{},
		VerifyJobs: []string{}, PruneJobs: []string{}, GarbageJobs: []string{},
		naiveFreshness: n.freshness(r, string(r.target.ID)+"/server", v.Seen),
	}
	if parts := strings.SplitN(v.Version, ".", 3); v.Version != "" {
		x.Version = strings.Join(parts[:min(2, len(parts))], ".")
	}
	memory := g.space("memory", v.MemTotalBytes, v.MemUsedBytes)
	x.Memory, x.MemoryUsed, x.MemoryTotal = memory.Usage, memory.Used, memory.Total
	x.Uptime = g.int("uptime", v.UptimeSeconds)
	var ignored gaps
	if disk := ignored.space("disk", v.DiskTotalBytes, v.DiskUsedBytes); len(ignored) == 0 {
		x.Disk = &disk
	}
	x.words(c)
	for i := range v.Datastores {
		x.Datastores = append(x.Datastores, n.datastore(r, &v.Datastores[i]))
	}
	x.Unknown = g
	return x
}

func (x *naiveServer) words(c Connection) {
	switch {
	case c.Status == Pending:
		x.Status, x.Health = "unknown", "unhealthy"
	case c.Status == Disconnected:
		x.Status, x.Health = "offline", "unhealthy"
	case x.Freshness == estate.Unknown:
		x.Status, x.Health = "unknown", "stale"
	case x.Freshness == estate.Stale:
		x.Health = "stale"
	}
}

func (n naive) datastore(r reading, v *estate.Datastore) naiveDatastore {
	var g gaps
	x := naiveDatastore{
		Name: v.Name, naiveSpace: g.space("", v.TotalBytes, v.UsedBytes), Status: "available", Error: v.Error,
		Comment: v.Comment, Maintenance: v.Maintenance, MountStatus: v.MountStatus, EstimatedFull: v.EstimatedFull.UTC(),
		NamespacesNote: v.NamespacesNote, Unknown: g,
		naiveFreshness: n.freshness(r, string(r.target.ID)+"/datastore/"+v.Name, v.Seen),
	}
	if avail, ok := v.AvailableBytes.Get(); ok && avail >= 0 {
		x.Free = min(x.Free, avail)
	}
	statuses := map[string]bool{
		"error": v.Error != "", "unavailable": v.MountStatus == "notmounted", "maintenance": v.Maintenance != "",
		"unknown": x.Freshness == estate.Unknown,
	}
	for _, word := range []string{"error", "unavailable", "maintenance", "unknown"} {
		if statuses[word] {
			x.Status = word
		}
	}
	for _, ns := range v.Namespaces {
		parts := strings.Split(ns.Path, "/")
		x.Namespaces = append(x.Namespaces, naiveNamespace{
			ns.Path, strings.Join(parts[:len(parts)-1], "/"), len(parts) - 1, ns.Comment,
		})
	}
	return x
}
