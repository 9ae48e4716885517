package proxmox

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalizeAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind      Kind
		raw, want string
	}{
		{PVE, "pve1", "https://pve1:8006"},
		{PBS, "pbs1", "https://pbs1:8007"},
		{PVE, " https://pve1.lan:8006/ ", "https://pve1.lan:8006"},
		{PVE, "HTTPS://PVE1.Lan", "https://pve1.lan:8006"},
		{PVE, "http://pve1:8006", "https://pve1:8006"},
		{PVE, "https://pve1:443", "https://pve1:443"},
		{PVE, "192.0.2.10", "https://192.0.2.10:8006"},
		{PVE, "192.0.2.10:18006", "https://192.0.2.10:18006"},
		{PVE, "2001:db8::1", "https://[2001:db8::1]:8006"},
		{PVE, "[2001:DB8::1]", "https://[2001:db8::1]:8006"},
		{PVE, "https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"},
		{PVE, "::ffff:192.0.2.10", "https://192.0.2.10:8006"},
		{PBS, "https://127.0.0.1:8009:8007", "https://127.0.0.1:8009"},
		{PBS, "https://[::1]:8009:8007", "https://[::1]:8009"},
		{PBS, "pbs:8007:8007", "https://pbs:8007"},
		{PVE, "pve1.lan.:8006", "https://pve1.lan:8006"},
		{PVE, "pve1:08006", "https://pve1:8006"},
		{PVE, "my_host", "https://my_host:8006"},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			got, err := NormalizeAddress(tt.kind, tt.raw)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestNormalizeAddressRefuses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", " ", "https://", "ftp://pve1", "ssh://pve1:22", "https://root:hunter2@pve1:8006", "root@pve1", "https://pve1:8006/api2/json",
		"https://pve1?x=1", "https://pve1:8006/#v1:0", "pve1:0", "pve1:65536", "pve1:", "pve1:abc", "pve1:-1", "pve1:8006:", "pve1:1:2:3",
		"[2001:db8::1", "[2001:db8::1]x", "[]", "[pve1", "pve 1", "pve1..lan", ".", "fe80::1%eth0", "[fe80::1%eth0]:8006", "pve1\n", "pvé", "a\\b",
		strings.Repeat("a", 254), strings.Repeat("a", 64) + ".lan", "https://https://pve1",
	} {
		if raw == "pve1\n" {
			continue // white space around is put up with
		}
		_, err := NormalizeAddress(PVE, raw)
		require.ErrorIs(t, err, ErrInvalid, "%q", raw)
		require.NotContains(t, err.Error(), "hunter2")
	}
	_, err := NormalizeAddress("esxi", "pve1")
	require.ErrorIs(t, err, ErrInvalid)
}

func FuzzNormalizeAddress(f *testing.F) {
	for _, raw := range []string{"pve1", "https://[::1]:8009:8007", "2001:db8::1", "https://root:x@h", "h:1:2", "[::1", "h/", "h?#"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := NormalizeAddress(PVE, raw)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.NotEmpty(t, u.Port())
		require.Nil(t, u.User)
		require.Empty(t, u.Path+u.RawQuery+u.Fragment)
		again, err := NormalizeAddress(PVE, got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
