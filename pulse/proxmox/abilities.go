package proxmox

import (
	"fmt"
	"strings"
)

// need is what an ability takes.
type need struct {
	name, title, path, privilege string
	// command grants it; nil means that the audit role does.
	command func(Credential) string
}

// needs lists what there is to see, by kind and version.
func needs(kind Kind, version Version) []need {
	if kind == PBS {
		return []need{
			{name: "host", title: "Host status", path: "/system/status", privilege: "Sys.Audit"},
			{name: "datastores", title: "Datastores and backups", path: "/datastore", privilege: "Datastore.Audit"},
			{name: "tasks", title: "Tasks of all users", path: "/system/tasks", privilege: "Sys.Audit"},
		}
	}
	agent := need{name: "guest-agent", title: "File systems inside VMs", path: "/vms", privilege: "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"}
	// PVE 9 did away with VM.Monitor and put the reading part into the audit role.
	if major := version.Major(); major > 0 && major < 9 {
		agent.privilege, agent.command = "VM.Monitor", grantMonitor
	}
	return []need{
		{name: "cluster", title: "Cluster status, quorum and all tasks", path: "/", privilege: "Sys.Audit"},
		{name: "nodes", title: "Node figures", path: "/nodes", privilege: "Sys.Audit"},
		{name: "guests", title: "VMs and containers", path: "/vms", privilege: "VM.Audit"},
		{name: "storages", title: "Storages", path: "/storage", privilege: "Datastore.Audit|Datastore.AllocateSpace"},
		{name: "pools", title: "Pool names", path: "/pool", privilege: "Pool.Audit"},
		agent,
		{name: "backup-files", title: "Backup archives on storages of PVE", path: "/storage", privilege: "Datastore.Allocate", command: grantBackups},
	}
}

// abilities holds the rights against the needs.
func abilities(kind Kind, version Version, cred Credential, rights Permissions) []Ability {
	var out []Ability
	for _, n := range needs(kind, version) {
		a := Ability{Name: n.name, Title: n.title, Path: n.path, Privilege: n.privilege}
		privileges := strings.Split(n.privilege, "|")
		a.Granted = rights.Allows(n.path, privileges...)
		a.Partial = !a.Granted && rights.AllowsBelow(n.path, privileges...)
		switch {
		case a.Granted:
		case n.command != nil:
			a.Command = n.command(cred)
		default:
			a.Command = auditCommand(kind, cred)
		}
		out = append(out, a)
	}
	return out
}

// nothingVisible is the failure of a credential that is valid and may see nothing at all.
func nothingVisible(kind Kind, all []Ability) error {
	var first *Ability
	for i, a := range all {
		if a.Granted || a.Partial {
			return nil
		}
		if first == nil {
			first = &all[i]
		}
	}
	if first == nil {
		return nil
	}
	role := "the role PVEAuditor on /"
	if kind == PBS {
		role = "the role Audit on /"
	}
	p := probeError(StagePrivilege, ErrForbidden, fmt.Sprintf("The credentials are valid but may see nothing: they lack %s. Run on the host: %s", role, first.Command))
	p.Path, p.Privilege, p.Command = first.Path, first.Privilege, first.Command
	return p
}

// auditCommand grants everything a monitor needs to read. The rights of a token are at most those of its user, so both
// get them.
func auditCommand(kind Kind, cred Credential) string {
	if kind == PBS {
		return grantPBS(cred)
	}
	return "pveum acl modify / --roles PVEAuditor" + pveSubjects(cred)
}

func grantPBS(cred Credential) string {
	user, _, token := strings.Cut(cred.TokenID, "!")
	if !token {
		user = cred.User
	}
	command := "proxmox-backup-manager acl update / Audit --auth-id " + quote(user)
	if token {
		command += " && proxmox-backup-manager acl update / Audit --auth-id " + quote(cred.TokenID)
	}
	return command
}

func grantMonitor(cred Credential) string {
	return "pveum role add PulseMonitor --privs VM.Monitor; pveum acl modify /vms --roles PulseMonitor" + pveSubjects(cred)
}

// grantBackups names a single storage: the right includes deleting any volume there, so it is for storages that hold
// nothing but backups.
func grantBackups(cred Credential) string {
	return "pveum role add PulseBackups --privs Datastore.Allocate; pveum acl modify /storage/STORAGE --roles PulseBackups" + pveSubjects(cred)
}

func pveSubjects(cred Credential) string {
	if !cred.usesToken() {
		return " --users " + quote(cred.User)
	}
	user, _, _ := strings.Cut(cred.TokenID, "!")
	return " --users " + quote(user) + " --tokens " + quote(cred.TokenID)
}

// quote makes one word for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
