package proxmox

import (
	"strconv"
	"strings"
)

// Version is the reply of "GET /version" of either product.
type Version struct {
	// Version is such as "9.2.11" (PVE) or "4.1.2" (PBS).
	Version string
	// Release is such as "9.2" (PVE) or "1" (PBS).
	Release string
	// RepoID is the commit it was built from.
	RepoID string
}

// Major is the first number of Version; 0 when it cannot be read.
func (v Version) Major() int {
	head, _, _ := strings.Cut(v.Version, ".")
	n, err := strconv.Atoi(head)
	if err != nil {
		return 0
	}
	return n
}

// Permissions is the reply of "GET /access/permissions": what the credential may do, keyed by path ("/", "/vms/100"),
// then by privilege; the value tells whether the right extends below the path. Empty means that the credential is valid
// and may do nothing.
type Permissions map[string]map[string]bool

// Allows reports whether any of the privileges holds on path. Where the reply has no entry for path, the nearest entry
// above it counts, with the rights that extend below it.
func (p Permissions) Allows(path string, privileges ...string) bool {
	if rights, ok := p[path]; ok {
		return hasAny(rights, privileges, false)
	}
	for above := parentPath(path); above != ""; above = parentPath(above) {
		if rights, ok := p[above]; ok {
			return hasAny(rights, privileges, true)
		}
	}
	return false
}

// AllowsBelow reports whether any of the privileges holds on path or on anything below it.
func (p Permissions) AllowsBelow(path string, privileges ...string) bool {
	if p.Allows(path, privileges...) {
		return true
	}
	prefix := strings.TrimSuffix(path, "/") + "/"
	for at, rights := range p {
		if strings.HasPrefix(at, prefix) && hasAny(rights, privileges, false) {
			return true
		}
	}
	return false
}

func hasAny(rights map[string]bool, privileges []string, extends bool) bool {
	for _, privilege := range privileges {
		if below, ok := rights[privilege]; ok && (below || !extends) {
			return true
		}
	}
	return false
}

// parentPath returns the path one level up, "/" for a top-level path and "" above that.
func parentPath(path string) string {
	if path == "/" || path == "" {
		return ""
	}
	at := strings.LastIndexByte(path, '/')
	if at <= 0 {
		return "/"
	}
	return path[:at]
}
