package sim

import (
	"net/http"
	"strings"
)

// version is that of the whole simulated cluster.
func (k *call) version() *reply {
	return ok(object{"version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d"})
}

// domains needs no login.
func (k *call) domains() *reply {
	return ok([]object{
		{"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
		{"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
	})
}

// ticket logs a user in, or renews a ticket given as the password.
func (k *call) ticket() *reply {
	missing := map[string]string{}
	for _, name := range []string{"username", "password"} {
		if !k.params.Has(name) {
			missing[name] = "property is missing and it is not optional"
		}
	}
	if len(missing) > 0 {
		return invalid(missing)
	}
	user := k.param("username")
	if realm := k.param("realm"); realm != "" && !strings.Contains(user, "@") {
		user += "@" + realm
	}
	who, known := k.c.accounts.login(user, k.param("password"), k.now)
	if !known || k.c.unauthorized {
		return failure(http.StatusUnauthorized, "authentication failure")
	}
	ticket, csrf := k.c.accounts.issue(who.user, k.now)
	answer := object{
		"username": who.user, "ticket": ticket, "CSRFPreventionToken": csrf, "cap": capabilities(who.rights),
	}
	if !k.c.standalone {
		answer["clustername"] = k.c.name
	}
	return ok(answer)
}

// capabilities are the rights that the web interface asks for at a login.
func capabilities(r rights) object {
	out := object{}
	for _, area := range []struct{ name, path, prefixes string }{
		{"vms", "/vms", "VM."},
		{"storage", "/storage", "Datastore."},
		{"nodes", "/nodes", "Sys."},
		{"dc", "/", "Sys.Audit Sys.Modify SDN."},
		{"sdn", "/sdn", "SDN."},
		{"mapping", "/mapping", "Mapping."},
		{"access", "/access", "User.Modify Group.Allocate"},
	} {
		held := map[string]int{}
		for _, p := range r.at(area.path) {
			for prefix := range strings.FieldsSeq(area.prefixes) {
				if strings.HasPrefix(p, prefix) {
					held[p] = 1
				}
			}
			if p == "Permissions.Modify" && area.name != "dc" {
				held[p] = 1
			}
		}
		out[area.name] = held
	}
	return out
}

// permissions are the caller's effective rights: only paths with any.
func (k *call) permissions() *reply {
	paths := []string{"/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
	for _, one := range k.c.accounts.list {
		for _, g := range one.rights {
			paths = append(paths, g.path)
		}
	}
	if path := k.param("path"); path != "" {
		paths = []string{path}
	}
	out := object{}
	for _, path := range paths {
		if held := k.who.rights.at(path); len(held) > 0 {
			out[path] = propagated(held, 1)
		}
	}
	return ok(out)
}

// propagated maps each privilege to the flag that it holds below as well.
func propagated[T any](privileges []string, flag T) map[string]T {
	out := make(map[string]T, len(privileges))
	for _, p := range privileges {
		out[p] = flag
	}
	return out
}
