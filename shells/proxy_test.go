package shells

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/netguard"
)

func TestProxyIsNoWayToARefusedAddress(t *testing.T) {
	t.Parallel()
	proxy := &url.URL{Scheme: "http", Host: "proxy.example.com:3128"}
	pick := proxyByRules(func(*http.Request) (*url.URL, error) { return proxy, nil }, netguard.Proxmox())
	for _, tt := range []struct {
		url     string
		refused bool
	}{
		{"https://192.0.2.7:8006/", false},
		{"https://169.254.169.254/", true},
		{"https://[fe80::1]:8006/", true},
		{"https://name.invalid:8006/", false}, // perhaps the proxy knows it
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
		require.NoError(t, err)
		picked, err := pick(req)
		if tt.refused {
			var refused *netguard.RefusedError
			require.ErrorAs(t, err, &refused, tt.url)
			continue
		}
		require.NoError(t, err, tt.url)
		require.Equal(t, proxy, picked)
	}
}

func TestProxyRulesLeaveDirectRequestsToTheDialer(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://169.254.169.254/", nil)
	require.NoError(t, err)
	direct := proxyByRules(func(*http.Request) (*url.URL, error) { return nil, nil }, netguard.Proxmox())
	picked, err := direct(req)
	require.NoError(t, err)
	require.Nil(t, picked)

	broken := errors.New("broken")
	failing := proxyByRules(func(*http.Request) (*url.URL, error) { return nil, broken }, netguard.Proxmox())
	_, err = failing(req)
	require.ErrorIs(t, err, broken)
}
