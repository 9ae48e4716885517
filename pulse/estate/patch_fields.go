package estate

import (
	"cmp"
	"strings"
)

// The lists of fields. A field that is added to a struct is added at the end of its list; what moves in most passes
// comes first, where it makes for short masks.

func observationFields(c *patcher, base, v *Observation) {
	part(c, &base.Poll, &v.Poll, pollFields)
	records(c, &base.Nodes, &v.Nodes, nodeFields, func(a, b *Node) int { return strings.Compare(a.Name, b.Name) })
	records(c, &base.Guests, &v.Guests, guestFields, compareGuests)
	records(c, &base.Storages, &v.Storages, storageFields, compareStorages)
	pointer(c, &base.Server, &v.Server, serverFields)
	c.times(&base.Reads, &v.Reads)
	part(c, &base.Tasks, &v.Tasks, taskMarkFields)
	part(c, &base.Cluster, &v.Cluster, clusterFields)
	part(c, &base.Permissions, &v.Permissions, permissionsFields)
	whole(c, &base.Version, &v.Version)
	text(c, &base.Target, &v.Target)
}

func compareGuests(a, b *Guest) int {
	return cmp.Or(cmp.Compare(a.VMID, b.VMID), cmp.Compare(a.Generation, b.Generation))
}

func compareStorages(a, b *Storage) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
}

func pollFields(c *patcher, base, v *Poll) {
	c.moment(&base.Started, &v.Started)
	c.moment(&base.Ended, &v.Ended)
	c.moment(&base.LastSuccess, &v.LastSuccess)
	whole(c, &base.Took, &v.Took)
	whole(c, &base.Requests, &v.Requests)
	text(c, &base.Via, &v.Via)
	whole(c, &base.ClockSkew, &v.ClockSkew)
	text(c, &base.Reason, &v.Reason)
	text(c, &base.Error, &v.Error)
	whole(c, &base.Failures, &v.Failures)
	c.moment(&base.FailedSince, &v.FailedSince)
	text(c, &base.Degraded, &v.Degraded)
	c.texts(&base.Unreachable, &v.Unreachable)
}

func clusterFields(c *patcher, base, v *Cluster) {
	c.moment(&base.At, &v.At)
	text(c, &base.Name, &v.Name)
	text(c, &base.Version, &v.Version)
	c.verdict(&base.Quorate, &v.Quorate)
}

func permissionsFields(c *patcher, base, v *Permissions) {
	c.moment(&base.At, &v.At)
	records(c, &base.Missing, &v.Missing, missingFields, func(a, b *Missing) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Privilege, b.Privilege))
	})
}

func missingFields(c *patcher, base, v *Missing) {
	text(c, &base.Privilege, &v.Privilege)
	text(c, &base.Path, &v.Path)
	text(c, &base.Hides, &v.Hides)
	text(c, &base.Fix, &v.Fix)
}

func taskMarkFields(c *patcher, base, v *TaskMark) {
	c.moment(&base.Since, &v.Since)
	c.texts(&base.Seen, &v.Seen)
}

func nodeFields(c *patcher, base, v *Node) {
	c.sight(&base.Seen, &v.Seen)
	c.uptime(&base.UptimeSeconds, &v.UptimeSeconds)
	c.share(&base.CPUFraction, &v.CPUFraction)
	c.amount(&base.MemUsedBytes, &v.MemUsedBytes)
	c.amount(&base.DiskUsedBytes, &v.DiskUsedBytes)
	pointer(c, &base.Detail, &v.Detail, detailFields)
	text(c, &base.Status, &v.Status)
	text(c, &base.HAState, &v.HAState)
	c.amount(&base.MemTotalBytes, &v.MemTotalBytes)
	c.amount(&base.DiskTotalBytes, &v.DiskTotalBytes)
	c.rate(&base.CPUs, &v.CPUs)
	text(c, &base.Name, &v.Name)
	text(c, &base.Level, &v.Level)
	text(c, &base.Address, &v.Address)
}

func detailFields(c *patcher, base, v *NodeDetail) {
	c.moment(&base.At, &v.At)
	c.loads(&base.LoadAverage, &v.LoadAverage)
	c.share(&base.IOWaitFraction, &v.IOWaitFraction)
	c.amount(&base.SwapUsedBytes, &v.SwapUsedBytes)
	c.amount(&base.RootAvailBytes, &v.RootAvailBytes)
	text(c, &base.CPUMHz, &v.CPUMHz)
	c.amount(&base.SwapTotalBytes, &v.SwapTotalBytes)
	text(c, &base.KernelVersion, &v.KernelVersion)
	text(c, &base.PVEVersion, &v.PVEVersion)
	text(c, &base.CPUModel, &v.CPUModel)
	c.amount(&base.CPUSockets, &v.CPUSockets)
	c.amount(&base.CPUCores, &v.CPUCores)
}

func guestFields(c *patcher, base, v *Guest) {
	c.sight(&base.Seen, &v.Seen)
	if c.done() {
		return
	}
	c.uptime(&base.UptimeSeconds, &v.UptimeSeconds)
	counters := countersAt(base, v.UptimeSeconds)
	if !c.writing {
		v.Base = counters
	}
	if c.done() {
		return
	}
	c.share(&base.CPUFraction, &v.CPUFraction)
	c.amount(&base.MemUsedBytes, &v.MemUsedBytes)
	c.amount(&base.MemHostBytes, &v.MemHostBytes)
	c.rate(&base.Rates.NetIn, &v.Rates.NetIn)
	c.rate(&base.Rates.NetOut, &v.Rates.NetOut)
	c.rate(&base.Rates.DiskRead, &v.Rates.DiskRead)
	c.rate(&base.Rates.DiskWrite, &v.Rates.DiskWrite)
	whole(c, &counters.NetIn.Value, &v.Base.NetIn.Value)
	whole(c, &counters.NetOut.Value, &v.Base.NetOut.Value)
	whole(c, &counters.DiskRead.Value, &v.Base.DiskRead.Value)
	whole(c, &counters.DiskWrite.Value, &v.Base.DiskWrite.Value)
	c.amount(&base.DiskUsedBytes, &v.DiskUsedBytes)
	if c.done() {
		return
	}
	whole(c, &counters.NetIn.Uptime, &v.Base.NetIn.Uptime)
	whole(c, &counters.NetOut.Uptime, &v.Base.NetOut.Uptime)
	whole(c, &counters.DiskRead.Uptime, &v.Base.DiskRead.Uptime)
	whole(c, &counters.DiskWrite.Uptime, &v.Base.DiskWrite.Uptime)
	pointer(c, &base.Balloon, &v.Balloon, balloonFields)
	pointer(c, &base.Filesystems, &v.Filesystems, filesystemsFields)
	text(c, &base.Status, &v.Status)
	text(c, &base.MemSource, &v.MemSource)
	text(c, &base.Lock, &v.Lock)
	text(c, &base.Node, &v.Node)
	text(c, &base.HAState, &v.HAState)
	c.amount(&base.MemTotalBytes, &v.MemTotalBytes)
	c.amount(&base.DiskTotalBytes, &v.DiskTotalBytes)
	c.rate(&base.CPUs, &v.CPUs)
	text(c, &base.Name, &v.Name)
	text(c, &base.Pool, &v.Pool)
	c.texts(&base.Tags, &v.Tags)
	c.flag(&base.Template, &v.Template)
	text(c, &base.Kind, &v.Kind)
	whole(c, &base.VMID, &v.VMID)
	whole(c, &base.Generation, &v.Generation)
}

// countersAt returns the counters of the base as they stand when the guest has been up for so long: those that were
// accepted with the base's uptime are expected to be accepted with the new one.
func countersAt(base *Guest, uptime Opt[int64]) Counters {
	counters := base.Base
	if uptime == base.UptimeSeconds || !uptime.known || !base.UptimeSeconds.known {
		return counters
	}
	for _, counter := range [...]*Counter{&counters.NetIn, &counters.NetOut, &counters.DiskRead, &counters.DiskWrite} {
		if counter.Uptime == base.UptimeSeconds.value {
			counter.Uptime = uptime.value
		}
	}
	return counters
}

func balloonFields(c *patcher, base, v *Balloon) {
	c.moment(&base.At, &v.At)
	c.amount(&base.FreeBytes, &v.FreeBytes)
	c.moment(&base.GuestReported, &v.GuestReported)
	c.amount(&base.ActualBytes, &v.ActualBytes)
	c.amount(&base.TotalBytes, &v.TotalBytes)
	c.amount(&base.MaxBytes, &v.MaxBytes)
	c.amount(&base.MinBytes, &v.MinBytes)
}

func filesystemsFields(c *patcher, base, v *Filesystems) {
	c.moment(&base.At, &v.At)
	records(c, &base.List, &v.List, filesystemFields, func(a, b *Filesystem) int {
		return strings.Compare(a.Mountpoint, b.Mountpoint)
	})
	text(c, &base.Reason, &v.Reason)
}

func filesystemFields(c *patcher, base, v *Filesystem) {
	c.amount(&base.UsedBytes, &v.UsedBytes)
	c.amount(&base.TotalBytes, &v.TotalBytes)
	text(c, &base.Mountpoint, &v.Mountpoint)
	text(c, &base.Type, &v.Type)
	text(c, &base.Device, &v.Device)
}

func storageFields(c *patcher, base, v *Storage) {
	c.sight(&base.Seen, &v.Seen)
	if c.done() {
		return
	}
	c.amount(&base.UsedBytes, &v.UsedBytes)
	c.amount(&base.TotalBytes, &v.TotalBytes)
	c.flag(&base.Active, &v.Active)
	c.flag(&base.Enabled, &v.Enabled)
	records(c, &base.OnNodes, &v.OnNodes, storageOnNodeFields, func(a, b *StorageOnNode) int {
		return strings.Compare(a.Node, b.Node)
	})
	text(c, &base.Name, &v.Name)
	text(c, &base.Node, &v.Node)
	text(c, &base.Type, &v.Type)
	c.texts(&base.Content, &v.Content)
	c.flag(&base.Shared, &v.Shared)
	text(c, &base.Server, &v.Server)
	text(c, &base.Datastore, &v.Datastore)
	text(c, &base.Namespace, &v.Namespace)
}

func storageOnNodeFields(c *patcher, base, v *StorageOnNode) {
	c.flag(&base.Active, &v.Active)
	text(c, &base.Node, &v.Node)
}

func serverFields(c *patcher, base, v *Server) {
	c.sight(&base.Seen, &v.Seen)
	c.uptime(&base.UptimeSeconds, &v.UptimeSeconds)
	c.share(&base.CPUFraction, &v.CPUFraction)
	c.amount(&base.MemUsedBytes, &v.MemUsedBytes)
	c.amount(&base.DiskUsedBytes, &v.DiskUsedBytes)
	c.loads(&base.LoadAverage, &v.LoadAverage)
	records(c, &base.Datastores, &v.Datastores, datastoreFields, func(a, b *Datastore) int {
		return strings.Compare(a.Name, b.Name)
	})
	text(c, &base.Version, &v.Version)
	c.amount(&base.MemTotalBytes, &v.MemTotalBytes)
	c.amount(&base.DiskTotalBytes, &v.DiskTotalBytes)
	text(c, &base.KernelVersion, &v.KernelVersion)
	text(c, &base.CPUModel, &v.CPUModel)
	c.amount(&base.CPUs, &v.CPUs)
}

func datastoreFields(c *patcher, base, v *Datastore) {
	c.sight(&base.Seen, &v.Seen)
	c.amount(&base.UsedBytes, &v.UsedBytes)
	c.amount(&base.AvailableBytes, &v.AvailableBytes)
	c.amount(&base.TotalBytes, &v.TotalBytes)
	c.moment(&base.EstimatedFull, &v.EstimatedFull)
	text(c, &base.Name, &v.Name)
	text(c, &base.Comment, &v.Comment)
	text(c, &base.Maintenance, &v.Maintenance)
	text(c, &base.MountStatus, &v.MountStatus)
	text(c, &base.Error, &v.Error)
	records(c, &base.Namespaces, &v.Namespaces, namespaceFields, func(a, b *Namespace) int {
		return strings.Compare(a.Path, b.Path)
	})
	text(c, &base.NamespacesNote, &v.NamespacesNote)
}

func namespaceFields(c *patcher, base, v *Namespace) {
	text(c, &base.Path, &v.Path)
	text(c, &base.Comment, &v.Comment)
}
