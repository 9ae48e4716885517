package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestNormalizeAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		kind     estate.TargetKind
		want     string // empty: refused
	}{
		{"whole", "https://192.168.1.100:8006", estate.PVE, "https://192.168.1.100:8006"},
		{"no scheme", "pve1:8006", estate.PVE, "https://pve1:8006"},
		{"no port", "https://pve1", estate.PVE, "https://pve1:8006"},
		{"no port of PBS", "pbs.lan", estate.PBS, "https://pbs.lan:8007"},
		{"other port of PBS", "https://127.0.0.1:8009", estate.PBS, "https://127.0.0.1:8009"},
		{"upper case", "HTTPS://PVE1.Example.COM", estate.PVE, "https://pve1.example.com:8006"},
		{"slash and spaces", "  https://pve1:8006/ ", estate.PVE, "https://pve1:8006"},
		{"from the address bar", "https://pve1:8006/#v1:0:=node", estate.PVE, "https://pve1:8006"},
		{"IPv4", "10.0.0.1", estate.PVE, "https://10.0.0.1:8006"},
		{"bare IPv6", "2001:db8::1", estate.PVE, "https://[2001:db8::1]:8006"},
		{"IPv6 in brackets", "[2001:DB8::1]:443", estate.PVE, "https://[2001:db8::1]:443"},
		{"IPv6 URL", "https://[::1]", estate.PBS, "https://[::1]:8007"},
		{"long IPv6", "https://[2001:0db8:0:0::0001]:8006", estate.PVE, "https://[2001:db8::1]:8006"},
		{"mapped IPv4", "::ffff:10.0.0.1", estate.PVE, "https://10.0.0.1:8006"},
		{"dot at the end", "pve1.lan.", estate.PVE, "https://pve1.lan:8006"},
		{"leading zeros in port", "pve1:08006", estate.PVE, "https://pve1:8006"},
		{"underscore", "pve_1", estate.PVE, "https://pve_1:8006"},

		{"digits in the last label", "pve.lan1", estate.PVE, "https://pve.lan1:8006"},
		{"label that begins as a number", "pve.0xyz", estate.PVE, "https://pve.0xyz:8006"},
		{"number in front", "1.pve", estate.PVE, "https://1.pve:8006"},

		{"decimal address", "2852039166", estate.PVE, ""},
		{"hexadecimal address", "0xA9FEA9FE", estate.PVE, ""},
		{"octal address", "0251.0376.0251.0376", estate.PVE, ""},
		{"short address", "169.254.43518", estate.PVE, ""},
		{"mixed address", "169.254.0xa9fe", estate.PVE, ""},
		{"bare prefix", "pve.0x", estate.PVE, ""},
		{"too many parts", "10.0.0.1.2", estate.PVE, ""},
		{"number and a dot", "2852039166.", estate.PVE, ""},
		{"empty", "", estate.PVE, ""},
		{"scheme only", "https://", estate.PVE, ""},
		{"http", "http://pve1:8006", estate.PVE, ""},
		{"file", "file:///etc/passwd", estate.PVE, ""},
		{"credentials", "https://root:pw@pve1:8006", estate.PVE, ""},
		{"path", "https://pve1:8006/api2/json", estate.PVE, ""},
		{"query", "https://pve1:8006?x=1", estate.PVE, ""},
		{"empty query", "https://pve1:8006?", estate.PVE, ""},
		{"port 0", "pve1:0", estate.PVE, ""},
		{"port too high", "pve1:65536", estate.PVE, ""},
		{"port in words", "pve1:https", estate.PVE, ""},
		{"zone", "https://[fe80::1%25eth0]:8006", estate.PVE, ""},
		{"bare zone", "fe80::1%eth0", estate.PVE, ""},
		{"space", "pve 1", estate.PVE, ""},
		{"line break", "pve1\r\nHost: x", estate.PVE, ""},
		{"two dots at the end", "pve1..", estate.PVE, ""},
		{"dot in front", ".lan", estate.PVE, ""},
		{"dots only", "..", estate.PVE, ""},
		{"two dots", "pve..lan", estate.PVE, ""},
		{"not ASCII", "pvé.lan", estate.PVE, ""},
		{"too long", strings.Repeat("a", 254), estate.PVE, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := config.NormalizeAddress(tt.kind, tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.want == "", err != nil, "%v", err)
		})
	}
}

func FuzzNormalizeAddress(f *testing.F) {
	for _, seed := range []string{"pve1", "https://[::1]:8006/#x", "fe80::1%eth0", "a:b@c:1", "https://x:08006", "::ffff:1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := config.NormalizeAddress(estate.PVE, in)
		if err != nil {
			require.Empty(t, out)
			return
		}
		again, err := config.NormalizeAddress(estate.PVE, out)
		require.NoError(t, err)
		require.Equal(t, out, again)
		require.True(t, strings.HasPrefix(out, "https://"))
	})
}

func TestNormalizeFingerprint(t *testing.T) {
	t.Parallel()
	bare := strings.ReplaceAll(pin, ":", "")
	for name, in := range map[string]string{
		"as Proxmox shows it": pin,
		"lower case":          strings.ToLower(pin),
		"without colons":      bare,
		"with spaces":         " " + strings.ReplaceAll(pin, ":", " ") + "\n",
		"with dashes":         strings.ReplaceAll(pin, ":", "-"),
		"from openssl":        "sha256 Fingerprint=" + pin,
		"with SHA256 label":   "SHA256:" + bare,
	} {
		got, err := config.NormalizeFingerprint(in)
		require.NoError(t, err, name)
		require.Equal(t, pin, got, name)
	}
	empty, err := config.NormalizeFingerprint("")
	require.NoError(t, err)
	require.Empty(t, empty)
	for name, in := range map[string]string{
		"SHA-1": pin[:59], "a digit short": bare[:63], "a byte more": bare + "00",
		"not hex": "G" + bare[1:], "words": "trust me", "all zeros": strings.Repeat("0", 64),
	} {
		got, err := config.NormalizeFingerprint(in)
		require.Error(t, err, name)
		require.Empty(t, got, name)
		require.NotContains(t, err.Error(), in, name)
	}
}

func FuzzNormalizeFingerprint(f *testing.F) {
	f.Add(pin)
	f.Add("sha256 Fingerprint=" + pin)
	f.Add("::--")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := config.NormalizeFingerprint(in)
		if err != nil {
			require.Empty(t, out)
			return
		}
		again, err := config.NormalizeFingerprint(out)
		require.NoError(t, err)
		require.Equal(t, out, again)
	})
}

func TestTargetNormalize(t *testing.T) {
	t.Parallel()
	secret := config.NewSecret("x")
	tests := []struct {
		name     string
		in, want config.Target
	}{
		{
			"name from the host",
			config.Target{ID: "pve", Address: "https://192.168.1.100:8006"},
			config.Target{ID: "pve", Address: "https://192.168.1.100:8006", Name: "192.168.1.100"},
		},
		{
			"name is trimmed, address and fingerprint are completed",
			config.Target{ID: "pbs", Name: " b ", Address: "PBS1", Fingerprint: strings.ToLower(pin)},
			config.Target{ID: "pbs", Name: "b", Address: "https://pbs1:8007", Fingerprint: pin},
		},
		{
			"short token name takes the user",
			config.Target{ID: "pve", Name: "a", User: "monitor@pam", TokenID: "pulse", TokenSecret: secret},
			config.Target{ID: "pve", Name: "a", TokenID: "monitor@pam!pulse", TokenSecret: secret},
		},
		{
			"user beside a whole token id is dropped",
			config.Target{ID: "pve", Name: "a", User: "root@pam", TokenID: "monitor@pam!pulse", TokenSecret: secret},
			config.Target{ID: "pve", Name: "a", TokenID: "monitor@pam!pulse", TokenSecret: secret},
		},
		{
			"two credentials stay, to be refused",
			config.Target{ID: "pve", Name: "a", User: "root@pam", Password: secret, TokenID: "m@pam!p", TokenSecret: secret},
			config.Target{ID: "pve", Name: "a", User: "root@pam", Password: secret, TokenID: "m@pam!p", TokenSecret: secret},
		},
		{
			"PBS user without realm",
			config.Target{ID: "pbs", Name: "a", User: "monitor", Password: secret},
			config.Target{ID: "pbs", Name: "a", User: "monitor@pbs", Password: secret},
		},
		{
			"PVE user without realm stays, to be refused",
			config.Target{ID: "pve", Name: "a", User: "monitor", Password: secret},
			config.Target{ID: "pve", Name: "a", User: "monitor", Password: secret},
		},
		{
			"what cannot be read stays",
			config.Target{ID: "pve", Name: "a", Address: "http://x", Fingerprint: "zz", TokenID: "short"},
			config.Target{ID: "pve", Name: "a", Address: "http://x", Fingerprint: "zz", TokenID: "short"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.in
			got.Normalize()
			require.Equal(t, tt.want, got)
			got.Normalize()
			require.Equal(t, tt.want, got, "a second time changes nothing")
		})
	}
}
