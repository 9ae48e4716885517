package netguard_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/netguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen accepts connections until the test ends, counts them, and returns its port.
func listen(t *testing.T, network, address string) (port string, accepted func() int) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Skipf("cannot listen on %s here: %v", address, err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func TestDialContextConnectsToAllowedAddresses(t *testing.T) {
	t.Parallel()
	port, _ := listen(t, "tcp4", "127.0.0.1:0")
	names := startDNS(t, map[string][][]string{"pve1.test.": {{"127.0.0.1"}}})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "pve1.test"} {
		conn, err := rules.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		require.NoError(t, err, host)
		require.NoError(t, conn.Close())
	}
}

func TestDialContextRefusesLiterals(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"169.254.169.254", "0.0.0.0", "255.255.255.255", "224.0.0.1", "100.100.100.200",
		"::", "fe80::1", "fe80::1%lo", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "ff02::1",
	} {
		conn, err := netguard.Proxmox().DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80"))
		var refused *netguard.RefusedError
		require.ErrorAs(t, err, &refused, host)
		require.Nil(t, conn, host)
		require.Equal(t, host, refused.Host)
		require.NotEmpty(t, refused.Why)
	}
}

func TestDialContextConnectsNowhereWhenUnspecified(t *testing.T) {
	t.Parallel()
	port, accepted := listen(t, "tcp", ":0") // Linux takes 0.0.0.0 and an empty host for itself
	for _, host := range []string{"0.0.0.0", "::", "0.0.0.1"} {
		_, err := netguard.Proxmox().DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		var refused *netguard.RefusedError
		require.ErrorAs(t, err, &refused, host)
	}
	require.Zero(t, accepted())
}

func TestDialContextRefusesANameAfterResolution(t *testing.T) {
	t.Parallel()
	names := startDNS(t, map[string][][]string{"meta.test.": {{"169.254.169.254", "fe80::1"}}})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	_, err := rules.DialContext(t.Context(), "tcp", "meta.test:80")
	var refused *netguard.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "meta.test", refused.Host)
	require.True(t, refused.Addr.IsLinkLocalUnicast())
	require.Contains(t, err.Error(), "meta.test")
	require.Contains(t, err.Error(), "link-local")
}

// A name may pass the early check and then lead elsewhere: what is dialled is judged again.
func TestDialContextIsNotFooledByRebinding(t *testing.T) {
	t.Parallel()
	names := startDNS(t, map[string][][]string{"rebind.test.": {{"127.0.0.1"}, {"169.254.169.254"}}})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	require.NoError(t, rules.CheckHost(t.Context(), "rebind.test"))
	_, err := rules.DialContext(t.Context(), "tcp", "rebind.test:80")
	var refused *netguard.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, netip.MustParseAddr("169.254.169.254"), refused.Addr)
}

func TestDialContextPassesOverRefusedAddresses(t *testing.T) {
	t.Parallel()
	port, _ := listen(t, "tcp4", "127.0.0.1:0")
	names := startDNS(t, map[string][][]string{"both.test.": {{"169.254.0.9", "127.0.0.1", "fe80::9"}}})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	require.NoError(t, rules.CheckHost(t.Context(), "both.test"))
	conn, err := rules.DialContext(t.Context(), "tcp", "both.test:"+port)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:"+port, conn.RemoteAddr().String())
	require.NoError(t, conn.Close())
}

func TestDialContextReportsTheAllowedAddressesError(t *testing.T) {
	t.Parallel()
	names := startDNS(t, map[string][][]string{"down.test.": {{"fe80::9", "169.254.0.9", "127.0.0.1"}}})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	_, err := rules.DialContext(t.Context(), "tcp", "down.test:"+closedPort(t))
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	var refused *netguard.RefusedError
	require.NotErrorAs(t, err, &refused)
	require.Contains(t, err.Error(), "127.0.0.1")
}

// closedPort returns a port of 127.0.0.1 that nothing listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func TestDialContextWantsTCP(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"udp", "unix", "ip4:icmp", ""} {
		_, err := netguard.Proxmox().DialContext(t.Context(), network, "127.0.0.1:80")
		var refused *netguard.RefusedError
		require.ErrorAs(t, err, &refused, network)
	}
	_, err := netguard.Proxmox().DialContext(t.Context(), "tcp", "no port")
	require.Error(t, err)
}

func TestDialContextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := netguard.Proxmox().DialContext(ctx, "tcp", "127.0.0.1:80")
	require.Error(t, err)
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	names := startDNS(t, map[string][][]string{
		"pve1.test.": {{"10.0.0.1", "fd00::1"}},
		"meta.test.": {{"169.254.169.254"}},
		"both.test.": {{"fe80::1", "10.0.0.1"}},
	})
	rules := netguard.Rules{Resolver: names.resolver(), Timeout: time.Minute}
	for _, host := range []string{"127.0.0.1", "[::1]", "::1", "10.1.2.3", "pve1.test", "both.test"} {
		require.NoError(t, rules.CheckHost(t.Context(), host), host)
	}
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "fe80::1%eth0", "0.0.0.0", "meta.test"} {
		var refused *netguard.RefusedError
		require.ErrorAs(t, rules.CheckHost(t.Context(), host), &refused, host)
		require.Equal(t, strings.Trim(host, "[]"), refused.Host)
		require.True(t, refused.Addr.IsValid(), host)
	}
	err := rules.CheckHost(t.Context(), "absent.test")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsNotFound)
}

func TestRefusedErrorIsOneSentence(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("169.254.169.254")
	require.EqualError(t, &netguard.RefusedError{Host: "meta.test", Addr: addr, Why: "a link-local address"},
		"refusing to connect to meta.test (169.254.169.254): a link-local address")
	require.EqualError(t, &netguard.RefusedError{Host: "169.254.169.254", Addr: addr, Why: "a link-local address"},
		"refusing to connect to 169.254.169.254: a link-local address")
}

func ExampleRules_CheckHost() {
	err := netguard.Proxmox().CheckHost(context.Background(), "169.254.169.254")
	fmt.Println(err)
	// Output: refusing to connect to 169.254.169.254: a link-local address
}
