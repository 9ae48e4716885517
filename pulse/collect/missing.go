package collect

import (
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// The privileges whose absence decides what is asked and what an empty reply means.
const (
	privilegeGuests     = "VM.Audit"
	privilegeStorages   = "Datastore.Audit"
	privilegeStorages2  = "Datastore.AllocateSpace"
	privilegeHosts      = "Sys.Audit"
	privilegePools      = "Pool.Audit"
	privilegeAgent      = "VM.GuestAgent.Audit"
	privilegeAgentAll   = "VM.GuestAgent.Unrestricted"
	privilegeAgentUntil = "VM.Monitor" // before PVE 9
)

// need is a privilege and what stays hidden without it.
type need struct {
	path, privilege string
	others          []string // that do as well
	hides           string
	below           bool // having it on anything below the path is enough
	role            string
	create          string // the command that makes the role, where Proxmox has none
}

func (c *Collector) needs(major int) []need {
	if c.opt.Target.Kind() == estate.PBS {
		return c.serverNeeds()
	}
	list := []need{
		{
			path: "/", privilege: privilegeHosts, role: "PVEAuditor",
			hides: "quorum, members' addresses and the tasks that tell of changes at once",
		},
		{
			path: "/nodes", privilege: privilegeHosts, below: true, role: "PVEAuditor",
			hides: "CPU, memory, disk and uptime of the nodes",
		},
	}
	if c.opt.Collect.VMs || c.opt.Collect.Containers {
		list = append(list,
			need{path: "/vms", privilege: privilegeGuests, below: true, role: "PVEAuditor", hides: "VMs and containers"},
			need{path: "/pool", privilege: privilegePools, below: true, role: "PVEAuditor", hides: "the pools of guests"})
	}
	if c.opt.Collect.VMs {
		list = append(list, agentNeed(major))
	}
	if c.opt.Collect.Storage {
		list = append(list, need{
			path: "/storage", privilege: privilegeStorages, others: []string{privilegeStorages2}, below: true,
			role: "PVEAuditor", hides: "storages",
		})
	}
	return list
}

func agentNeed(major int) need {
	n := need{path: "/vms", below: true, hides: "file systems inside VMs"}
	if major > 0 && major < 9 {
		n.privilege, n.role = privilegeAgentUntil, "PulseMonitor"
		n.create = "pveum role add PulseMonitor --privs VM.Monitor; "
		return n
	}
	n.privilege, n.others, n.role = privilegeAgent, []string{privilegeAgentAll}, "PVEAuditor"
	if major == 0 {
		n.others = append(n.others, privilegeAgentUntil)
	}
	return n
}

func (c *Collector) serverNeeds() []need {
	list := []need{{
		path: "/system/status", privilege: privilegeHosts, role: "Audit",
		hides: "CPU, memory and uptime of the server",
	}}
	if c.opt.Collect.Datastores {
		list = append(list, need{
			path: "/datastore", privilege: privilegeStorages, below: true, role: "Audit",
			hides: "usage and namespaces of the datastores",
		})
	}
	return list
}

// missing holds what the credential may do against what there is to see.
func (c *Collector) missing(rights proxmox.Permissions, major int) []estate.Missing {
	var out []estate.Missing
	for _, n := range c.needs(major) {
		if n.granted(rights) {
			continue
		}
		out = append(out, estate.Missing{
			Privilege: n.privilege, Path: n.path, Hides: n.hides, Fix: c.fix(n),
		})
	}
	return out
}

func (n need) granted(rights proxmox.Permissions) bool {
	privileges := append([]string{n.privilege}, n.others...)
	if n.below {
		return rights.AllowsBelow(n.path, privileges...) || n.path == "/vms" && rights.AllowsBelow("/pool", privileges...)
	}
	return rights.Allows(n.path, privileges...)
}

// fix is the command that grants a role, to be run on the Proxmox host. A token has at most the rights of its user, so
// both get the role.
func (c *Collector) fix(n need) string {
	user, _, isToken := strings.Cut(c.opt.Account, "!")
	token := c.opt.Account
	if c.opt.Account == "" {
		user, token, isToken = "USER@REALM", "USER@REALM!TOKEN", true
	}
	if c.opt.Target.Kind() == estate.PBS {
		command := "proxmox-backup-manager acl update / " + n.role + " --auth-id " + quote(user)
		if isToken {
			command += " && proxmox-backup-manager acl update / " + n.role + " --auth-id " + quote(token)
		}
		return command
	}
	path := "/"
	if n.create != "" {
		path = n.path
	}
	command := n.create + "pveum acl modify " + path + " --roles " + n.role + " --users " + quote(user)
	if isToken {
		command += " --tokens " + quote(token)
	}
	return command
}

// quote makes one word for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// lacks tells whether a privilege is known to be missing.
func lacks(p estate.Permissions, privileges ...string) bool {
	return slices.ContainsFunc(p.Missing, func(m estate.Missing) bool { return slices.Contains(privileges, m.Privilege) })
}

// applyRights records what the credential may not see.
func (c *Collector) applyRights(d *draft, rights proxmox.Permissions, at time.Time) {
	version := proxmox.Version{Version: d.obs.Cluster.Version}
	d.obs.Permissions = estate.Permissions{At: at, Missing: c.missing(rights, version.Major())}
	d.notes.set(notePermissions, at)
}
