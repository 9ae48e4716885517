package sim

import (
	"slices"
	"strings"
)

// rights are the access control entries of one user or token.
type rights []grant

// grant gives privileges on a path and, as all roles here, below it.
type grant struct {
	path       string
	privileges []string
}

// at are the privileges that hold on a path: those of the deepest entry that
// covers it, since a deeper entry replaces what is inherited.
func (r rights) at(path string) []string {
	var best *grant
	for i, g := range r {
		if covers(g.path, path) && (best == nil || len(g.path) > len(best.path)) {
			best = &r[i]
		}
	}
	if best == nil {
		return nil
	}
	return best.privileges
}

// has tells whether any of the privileges, separated by "|", holds on a path.
func (r rights) has(path, anyOf string) bool {
	held := r.at(path)
	for p := range strings.SplitSeq(anyOf, "|") {
		if slices.Contains(held, p) {
			return true
		}
	}
	return false
}

func covers(above, path string) bool {
	return above == "/" || above == path || strings.HasPrefix(path, above+"/")
}

// auditPrivileges are PVEAuditor's in version 9.
func auditPrivileges() []string {
	return []string{
		"Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit",
		"Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit",
	}
}

// allPrivileges are Administrator's in version 9.
func allPrivileges() []string {
	return []string{
		"Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit",
		"Group.Allocate", "Mapping.Audit", "Mapping.Modify", "Mapping.Use", "Permissions.Modify",
		"Pool.Allocate", "Pool.Audit", "Realm.Allocate", "Realm.AllocateUser",
		"SDN.Allocate", "SDN.Audit", "SDN.Use",
		"Sys.AccessNetwork", "Sys.Audit", "Sys.Console", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt", "Sys.Syslog",
		"User.Modify",
		"VM.Allocate", "VM.Audit", "VM.Backup", "VM.Clone", "VM.Config.CDROM", "VM.Config.CPU",
		"VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network",
		"VM.Config.Options", "VM.Console", "VM.GuestAgent.Audit", "VM.GuestAgent.FileRead",
		"VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted",
		"VM.Migrate", "VM.PowerMgmt", "VM.Replicate", "VM.Snapshot", "VM.Snapshot.Rollback",
	}
}

// identity is who asks, after authentication.
type identity struct {
	role   Role
	user   string
	token  string // the part after "!", "" with a ticket
	rights rights
}

// scope is the same for identities that see the same lists.
func (w identity) scope() string {
	if len(w.rights) > 0 && w.rights[0].path == "/" {
		return "everything"
	}
	return string(w.role)
}
