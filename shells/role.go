package shells

import (
	"net/http"
	"path"
	"slices"

	"github.com/proxpulse/proxpulse/pulse"
)

// role returns what a process does that was asked to be something, or nothing, with a kind of store.
func (p Parts) role(asked pulse.Role, kind StoreKind) (pulse.Role, error) {
	role := p.Role
	switch {
	case role == "":
		role = asked
	case asked != "" && asked != role:
		return role, &SettingError{Env: envRole, Reason: "want " + string(role) + " or nothing, since this program has no other role"}
	}
	if role == "" {
		role = pulse.RoleAll
	}
	if role != pulse.RoleAll && !kind.Shared {
		return role, &SettingError{Env: envRole, Reason: "want all, since no other process shares this store; " +
			"processes share what " + envStore + " names as " + schemes(p.shared())}
	}
	return role, nil
}

// shared are the stores that processes can share.
func (p Parts) shared() map[string]StoreKind {
	shared := map[string]StoreKind{}
	for scheme, kind := range p.Stores {
		if kind.Shared {
			shared[scheme] = kind
		}
	}
	return shared
}

// pollerPaths are what a process that only polls answers.
var pollerPaths = []string{"/api/health", "/api/ready", "/api/version"}

// Handler returns what the process serves: the API, or the little of it that one has whose role is to poll.
func (p *Pulse) Handler() http.Handler {
	if p.Role != pulse.RolePoller {
		return p.API
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(pollerPaths, path.Clean("/"+r.URL.EscapedPath())) {
			Refuse(w, http.StatusNotImplemented, "This Pulse only polls, as "+envRole+" says: ask one that serves the API")
			return
		}
		p.API.ServeHTTP(w, r)
	})
}
