package collect

import (
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// applyHost takes a backup server's own status over. It is measured at the time of the call.
func applyHost(server *estate.Server, status *proxmox.HostStatus, at time.Time) {
	settle(&server.CPUFraction, fraction(status.CPUFraction))
	settle(&server.MemUsedBytes, amount(status.Memory.UsedBytes))
	settle(&server.MemTotalBytes, capacity(status.Memory.TotalBytes))
	settle(&server.DiskUsedBytes, amount(status.RootFS.UsedBytes))
	settle(&server.DiskTotalBytes, capacity(status.RootFS.TotalBytes))
	settle(&server.UptimeSeconds, amount(status.UptimeSeconds))
	settle(&server.CPUs, capacity(status.CPU.Logical))
	server.LoadAverage = loadAverage(status.Load1, status.Load5, status.Load15)
	keep(&server.KernelVersion, status.KernelRelease)
	keep(&server.CPUModel, status.CPU.Model)
	server.Seen = estate.Seen{At: at}
}

// mergeUsage takes usage rows over the last known datastores, in any order; the first row of a name counts. It returns
// a new list and how many datastores are not in the rows, which stay when keepVanished says so.
func mergeUsage(
	prev []estate.Datastore, rows []proxmox.DatastoreUsage, at time.Time, keepVanished bool,
) (list []estate.Datastore, vanished int) {
	list = make([]estate.Datastore, 0, max(len(rows), len(prev)))
	for i := range rows {
		if rows[i].Name == "" || slices.ContainsFunc(list, func(s estate.Datastore) bool { return s.Name == rows[i].Name }) {
			continue
		}
		list = append(list, mergeDatastore(findDatastore(prev, rows[i].Name), &rows[i], at))
	}
	slices.SortFunc(list, func(a, b estate.Datastore) int { return strings.Compare(a.Name, b.Name) })
	present := list
	for i := range prev {
		if findDatastore(present, prev[i].Name) != nil {
			continue
		}
		vanished++
		if keepVanished {
			list = append(list, prev[i])
		}
	}
	slices.SortFunc(list, func(a, b estate.Datastore) int { return strings.Compare(a.Name, b.Name) })
	return list, vanished
}

func mergeDatastore(last *estate.Datastore, row *proxmox.DatastoreUsage, at time.Time) estate.Datastore {
	var store estate.Datastore
	if last != nil {
		store = *last
	}
	keep(&store.Name, row.Name)
	keep(&store.Error, row.Error)
	if row.MountStatus != "" {
		keep(&store.MountStatus, row.MountStatus)
	}
	total := capacity(row.TotalBytes)
	if !total.Known() {
		// Nothing to measure, or nothing that may be seen. Numbers read before keep their age.
		if row.Error == "" && !store.TotalBytes.Known() {
			store.Seen = estate.Seen{At: at}
		}
		return store
	}
	store.TotalBytes = total
	settle(&store.UsedBytes, amount(row.UsedBytes))
	settle(&store.AvailableBytes, amount(row.AvailableBytes))
	store.EstimatedFull = row.EstimatedFull
	store.Seen = estate.Seen{At: at}
	return store
}

// applyDatastores adds what the list of datastores tells beside their usage. It returns a new list.
func applyDatastores(stores []estate.Datastore, rows []proxmox.Datastore) []estate.Datastore {
	out := slices.Clone(stores)
	for i := range rows {
		store := findDatastore(out, rows[i].Name)
		if store == nil {
			continue
		}
		keep(&store.Comment, rows[i].Comment)
		keep(&store.Maintenance, maintenance(&rows[i]))
		if rows[i].MountStatus != "" {
			keep(&store.MountStatus, rows[i].MountStatus)
		}
	}
	return out
}

func maintenance(row *proxmox.Datastore) string {
	if row.MaintenanceMode == "" || row.MaintenanceMessage == "" {
		return row.MaintenanceMode
	}
	return row.MaintenanceMode + ": " + row.MaintenanceMessage
}

// findDatastore finds a datastore in a list sorted by name.
func findDatastore(stores []estate.Datastore, name string) *estate.Datastore {
	i, ok := slices.BinarySearchFunc(stores, name, func(s estate.Datastore, name string) int {
		return strings.Compare(s.Name, name)
	})
	if !ok {
		return nil
	}
	return &stores[i]
}
