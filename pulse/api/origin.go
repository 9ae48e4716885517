package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// origins are the web origins beside Pulse's own whose pages may use the API.
type origins struct {
	list []string
	any  bool // only where a token guards the API
}

// newOrigins reads the setting. "*" counts only where a token is needed: otherwise every web page that a person on the
// network opens could read and change everything.
func newOrigins(list []string, guarded bool) origins {
	return origins{list: list, any: guarded && slices.Contains(list, "*")}
}

// allows tells whether an Origin header names an allowed one. An opaque origin ("null") is nobody's.
func (o origins) allows(origin string) bool {
	if origin == "" || origin == "null" {
		return false
	}
	return o.any || slices.ContainsFunc(o.list, func(allowed string) bool {
		return allowed != "*" && strings.EqualFold(allowed, origin)
	})
}

// hosts tells whether a host name belongs to an allowed origin.
func (o origins) hosts(host string) bool {
	return slices.ContainsFunc(o.list, func(allowed string) bool {
		u, err := url.Parse(allowed)
		return err == nil && u.Host != "" && strings.EqualFold(u.Hostname(), host)
	})
}

// sameOrigin tells whether an Origin header names the host that the request was sent to.
func sameOrigin(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// localHost tells whether a Host header can only be meant for a machine of this network: an address, a name without a
// dot, a name under a suffix that no public DNS serves, or the machine's own name. A page that made its own name point
// here (DNS rebinding) cannot send one of these.
func localHost(header, machine string) bool {
	host := hostName(header)
	if host == "" {
		return header == "" // HTTP/1.0, as some health checks speak it: every browser names a host
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if !strings.Contains(host, ".") {
		return !strings.ContainsAny(host, ":/\\@[]% ")
	}
	for _, suffix := range []string{".local", ".lan", ".home.arpa", ".internal"} {
		if strings.HasSuffix(host, suffix) && len(host) > len(suffix) {
			return true
		}
	}
	return machine != "" && host == strings.ToLower(strings.TrimSuffix(machine, "."))
}

// hostName returns the name or address in a Host header, in lower case, without a port and a final dot.
func hostName(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
