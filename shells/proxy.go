package shells

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/proxpulse/proxpulse/pulse/netguard"
)

// proxyByRules returns what picks the proxy of a request to Proxmox. Behind a proxy the connection goes to the proxy,
// and the rules judge only that one; so the host is judged here. A name that cannot be looked up passes: it may be known
// to the proxy alone.
func proxyByRules(
	pick func(*http.Request) (*url.URL, error), rules netguard.Rules,
) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		proxy, err := pick(req)
		if proxy == nil || err != nil {
			return nil, err
		}
		var refused *netguard.RefusedError
		if err := rules.CheckHost(req.Context(), req.URL.Hostname()); errors.As(err, &refused) {
			return nil, err
		}
		return proxy, nil
	}
}
