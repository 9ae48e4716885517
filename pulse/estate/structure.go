package estate

import "slices"

// SameStructure tells whether two observations differ in numbers and ages only: the same nodes, guests, storages and
// datastores, each in the same state, and the same outcome of the pass. Whoever may write an observation seldom writes
// it when the structure changed.
func SameStructure(a, b *Observation) bool {
	return a.Poll.Reason == b.Poll.Reason && a.Poll.Degraded == b.Poll.Degraded &&
		slices.EqualFunc(a.Nodes, b.Nodes, sameNode) &&
		slices.EqualFunc(a.Guests, b.Guests, sameGuest) &&
		slices.EqualFunc(a.Storages, b.Storages, sameStorage) &&
		sameServer(a.Server, b.Server)
}

func sameNode(a, b Node) bool { return a.Name == b.Name && a.Status == b.Status }

func sameGuest(a, b Guest) bool {
	return a.VMID == b.VMID && a.Generation == b.Generation && a.Kind == b.Kind &&
		a.Node == b.Node && a.Name == b.Name && a.Status == b.Status &&
		a.Template == b.Template && a.Lock == b.Lock && slices.Equal(a.Tags, b.Tags)
}

func sameStorage(a, b Storage) bool {
	return a.Name == b.Name && a.Node == b.Node && a.Enabled == b.Enabled && a.Active == b.Active
}

func sameServer(a, b *Server) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Datastores, b.Datastores, func(x, y Datastore) bool {
		return x.Name == y.Name && x.Maintenance == y.Maintenance && x.Error == y.Error
	})
}
