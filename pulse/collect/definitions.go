package collect

import (
	"slices"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// applyDefinitions adds what only the storage definitions tell: where a backup server's storage leads, and the storages
// that are disabled and so in no other reply. It returns a new list.
func applyDefinitions(storages []estate.Storage, nodes []estate.Node, configs []proxmox.StorageConfig) []estate.Storage {
	byName := make(map[string]*proxmox.StorageConfig, len(configs))
	for i := range configs {
		byName[configs[i].Name] = &configs[i]
	}
	out := make([]estate.Storage, 0, len(storages)+len(configs))
	for i := range storages {
		s := storages[i]
		config := byName[s.Name]
		if !s.Enabled && (config == nil || !config.Disabled) {
			continue // removed, or enabled again and about to appear in the table
		}
		if config != nil {
			keep(&s.Server, config.Server)
			keep(&s.Datastore, config.Datastore)
			keep(&s.Namespace, config.Namespace)
			s.Enabled = !config.Disabled
			s.Active = s.Active && s.Enabled
		}
		out = append(out, s)
	}
	for i := range configs {
		if configs[i].Disabled && configs[i].Name != "" {
			out = addDisabled(out, nodes, &configs[i])
		}
	}
	slices.SortFunc(out, compareStorages)
	return out
}

// addDisabled lists a disabled storage where it would appear if it were enabled, so that its identity stays.
func addDisabled(out []estate.Storage, nodes []estate.Node, config *proxmox.StorageConfig) []estate.Storage {
	s := estate.Storage{
		Name: config.Name, Type: config.Plugin, Content: slices.Clone(config.Content), Shared: isShared(config),
		Server: config.Server, Datastore: config.Datastore, Namespace: config.Namespace,
	}
	listed := func(node string) bool {
		return slices.ContainsFunc(out, func(o estate.Storage) bool { return o.Name == s.Name && o.Node == node })
	}
	if s.Shared {
		if !listed("") {
			out = append(out, s)
		}
		return out
	}
	for i := range nodes {
		s.Node = nodes[i].Name
		if (len(config.Nodes) == 0 || slices.Contains(config.Nodes, s.Node)) && !listed(s.Node) {
			out = append(out, s)
		}
	}
	return out
}

// isShared tells whether every node sees the same content; some plug-ins cannot be anything else.
func isShared(config *proxmox.StorageConfig) bool {
	if shared, ok := config.Shared.Get(); ok {
		return shared
	}
	switch strings.ToLower(config.Plugin) {
	case "nfs", "cifs", "glusterfs", "cephfs", "rbd", "iscsi", "iscsidirect", "zfs", "drbd", "pbs":
		return true
	}
	return false
}
