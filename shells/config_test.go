package shells

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
)

func TestReadConfigDefaults(t *testing.T) {
	t.Parallel()
	c, err := ReadConfig(env{}.get)
	require.NoError(t, err)
	require.Equal(t, Config{Listen: Listen{Address: ":7655"}}, c)
}

func TestReadConfigReadsEverything(t *testing.T) {
	t.Parallel()
	key, former := config.NewKey(), config.NewKey()
	c, err := ReadConfig(env{
		"API_TOKEN": " token\n", "ALLOWED_ORIGINS": "https://a.example.com/, *", "PORT": "127.0.0.1:80",
		"PULSE_TLS_CERT": "c.pem", "PULSE_TLS_KEY": "k.pem", "TRUSTED_PROXIES": "10.1.2.3/8, ::1",
		"ALLOW_UNPROTECTED_EXPORT": "TRUE", "PULSE_DATA_DIR": "/data", "PULSE_STORE": "memory:",
		"PULSE_ENCRYPTION_KEY": key.Encode(), "PULSE_ENCRYPTION_KEY_PREVIOUS": former.Encode() + " ,",
		"PULSE_TARGETS": "t.yaml", "PULSE_DEMO": "1", "PULSE_ROLE": "api", "PULSE_BASE_PATH": "/pulse/", "LOG_LEVEL": "Warn", "LOG_FORMAT": "json",
		"HTTPS_PROXY": "proxy.example.com:3128",
	}.get)
	require.NoError(t, err)
	require.Equal(t, Config{
		Listen: Listen{Address: "127.0.0.1:80", TLSCert: "c.pem", TLSKey: "k.pem"},
		Demo:   true, BasePath: "/pulse", role: pulse.RoleAPI,
		access: access{
			token: config.NewSecret("token"), origins: []string{"https://a.example.com", "*"}, unprotectedExport: true,
			trustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		},
		data: data{
			dir: "/data", store: "memory:", key: key, previousKeys: []config.Key{former}, targetsFile: "t.yaml",
		},
		log: logging{level: slog.LevelWarn, json: true}, proxied: true,
	}, c)
}

func TestReadConfigNamesEveryBadValueAndShowsNone(t *testing.T) {
	t.Parallel()
	bad := env{
		"API_TOKEN": "hunter2 hunter2", "ALLOWED_ORIGINS": "hunter2", "PORT": "hunter2:99999",
		"PULSE_TLS_CERT": "hunter2", "TRUSTED_PROXIES": "hunter2", "ALLOW_UNPROTECTED_EXPORT": "hunter2",
		"PULSE_ENCRYPTION_KEY": "hunter2", "PULSE_ENCRYPTION_KEY_PREVIOUS": "hunter2", "PULSE_TARGETS": "hunter2",
		"PULSE_TARGETS_DATA": "hunter2", "PULSE_DEMO": "hunter2", "PULSE_ROLE": "hunter2", "PULSE_BASE_PATH": "hunter2", "LOG_LEVEL": "hunter2", "LOG_FORMAT": "hunter2",
		"HTTPS_PROXY": "gopher://hunter2", "https_proxy": "http://user:hunter2@",
	}
	_, err := ReadConfig(bad.get)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
	named := map[string]bool{}
	for _, one := range unjoin(err) {
		var setting *SettingError
		require.ErrorAs(t, one, &setting)
		named[setting.Env] = true
	}
	want := map[string]bool{"PULSE_TLS_KEY": true} // missing beside the certificate
	for name := range bad {
		want[name] = true
	}
	delete(want, "PULSE_TLS_CERT")
	delete(want, "PULSE_TARGETS")
	require.Equal(t, want, named)
}

func unjoin(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	return joined.Unwrap()
}

func TestReadConfigListen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ":7655"},
		{"8080", ":8080"},
		{":0", ":0"},
		{"127.0.0.1:80", "127.0.0.1:80"},
		{"[::1]:80", "[::1]:80"},
		{"localhost:80", "localhost:80"},
		{"65536", ""},
		{"-1", ""},
		{"127.0.0.1", ""},
		{"::1", ""},
		{"a b:80", ""},
		{"http://x:80", ""},
		{":http", ""},
	} {
		c, err := ReadConfig(env{"PORT": tt.in}.get)
		if tt.want == "" {
			require.EqualError(t, err,
				"PORT (--listen): want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655", tt.in)
			continue
		}
		require.NoError(t, err, tt.in)
		require.Equal(t, tt.want, c.Listen.Address)
	}
}

func TestAnyOriginNeedsAToken(t *testing.T) {
	t.Parallel()
	_, err := ReadConfig(env{"ALLOWED_ORIGINS": "*"}.get)
	require.EqualError(t, err, "ALLOWED_ORIGINS (--allowed-origins): * needs an API_TOKEN, "+
		"since any web page could otherwise read and change everything")
	_, err = ReadConfig(env{"ALLOWED_ORIGINS": "*", "API_TOKEN": "t"}.get)
	require.NoError(t, err)
}

func TestEncryptionKeyIsThirtyTwoBytes(t *testing.T) {
	t.Parallel()
	for _, good := range []string{config.NewKey().Encode(), strings.Repeat("0f", 32)} {
		c, err := ReadConfig(env{"PULSE_ENCRYPTION_KEY": good}.get)
		require.NoError(t, err)
		require.False(t, c.data.key.IsZero())
	}
	for _, bad := range []string{"passphrase", strings.Repeat("0f", 31), strings.Repeat("0f", 33), strings.Repeat("x", 32)} {
		_, err := ReadConfig(env{"PULSE_ENCRYPTION_KEY": bad}.get)
		require.EqualError(t, err, "PULSE_ENCRYPTION_KEY: want 32 bytes as base64 or hex")
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add("PORT", ":7655")
	f.Add("ALLOWED_ORIGINS", "https://a.example.com, *")
	f.Add("TRUSTED_PROXIES", "10.0.0.0/8,::1%eth0")
	f.Add("PULSE_ENCRYPTION_KEY", strings.Repeat("0", 64))
	f.Add("HTTPS_PROXY", "http://user:pw@proxy:1")
	f.Fuzz(func(t *testing.T, name, value string) {
		_, err := ReadConfig(env{name: value}.get)
		for _, one := range unjoin(err) {
			var setting *SettingError
			if one != nil && !errors.As(one, &setting) {
				t.Fatalf("not a SettingError: %v", one)
			}
		}
	})
}
