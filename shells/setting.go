package shells

import (
	"fmt"
	"slices"
	"strings"
)

// The environment names of the settings.
const (
	envToken       = "API_TOKEN"
	envOrigins     = "ALLOWED_ORIGINS"
	envPort        = "PORT"
	envTLSCert     = "PULSE_TLS_CERT"
	envTLSKey      = "PULSE_TLS_KEY"
	envProxies     = "TRUSTED_PROXIES"
	envExport      = "ALLOW_UNPROTECTED_EXPORT"
	envDataDir     = "PULSE_DATA_DIR"
	envStore       = "PULSE_STORE"
	envKey         = "PULSE_ENCRYPTION_KEY"
	envKeyPrevious = "PULSE_ENCRYPTION_KEY_PREVIOUS"
	envTargets     = "PULSE_TARGETS"
	envTargetsData = "PULSE_TARGETS_DATA"
	envRole        = "PULSE_ROLE"
	envBasePath    = "PULSE_BASE_PATH"
	envDemo        = "PULSE_DEMO"
	envLogLevel    = "LOG_LEVEL"
	envLogFormat   = "LOG_FORMAT"
	envHTTPSProxy  = "HTTPS_PROXY"
	envNoProxy     = "NO_PROXY"
)

// Setting is one thing that a person may set when Pulse starts.
type Setting struct {
	// Env is its name in the environment. An empty value there counts as not set.
	Env string
	// Flag is its name on the command line, without dashes. Empty for secrets, since every user of a machine can read
	// the command lines on it, and for names that other programs share.
	Flag string
	// Value stands for the value in help texts, as ADDRESS; empty for a switch, which takes true or false.
	Value string
	// Default is what applies when it is not set, in words; empty for nothing.
	Default string
	// Help is one sentence without a full stop.
	Help string
}

// Settings returns everything that is read from the environment, in the order in which a person meets it.
func Settings() []Setting {
	return slices.Concat(accessSettings(), dataSettings(), otherSettings())
}

func accessSettings() []Setting {
	return []Setting{
		{
			Env: envToken, Value: "TOKEN", Default: "none: the API is open",
			Help: "The token that guards the API",
		},
		{
			Env: fileOf(envToken), Value: "FILE",
			Help: "File that holds the token, in place of " + envToken,
		},
		{
			Env: envPort, Flag: "listen", Value: "ADDRESS", Default: ":7655",
			Help: "Where to listen: a port, or an address and a port as 127.0.0.1:7655",
		},
		{
			Env: envOrigins, Flag: "allowed-origins", Value: "ORIGINS", Default: "none",
			Help: "Web origins beside Pulse's own that may use the API, comma-separated, as https://home.example.com; * allows all and needs a token",
		},
		{
			Env: envTLSCert, Flag: "tls-cert", Value: "FILE", Default: "none: plain HTTP",
			Help: "Certificate chain to serve HTTPS with, in PEM; read again when it changes",
		},
		{
			Env: envTLSKey, Flag: "tls-key", Value: "FILE",
			Help: "Private key of the certificate, in PEM",
		},
		{
			Env: envProxies, Flag: "trusted-proxies", Value: "ADDRESSES", Default: "none",
			Help: "Addresses or networks of reverse proxies whose X-Forwarded-For is believed, comma-separated, as 10.0.0.0/8",
		},
		{
			Env: envExport, Flag: "allow-unprotected-export", Default: "false",
			Help: "Let the configuration be exported while no token is set",
		},
		{
			Env: envBasePath, Value: "PATH", Default: "none",
			Help: "In Lambda: the path before Pulse's own, where a domain or a route has one, as /pulse",
		},
	}
}

func dataSettings() []Setting {
	return []Setting{
		{
			Env: envDataDir, Flag: "data-dir", Value: "DIRECTORY",
			Default: "systemd's state directory; /etc/pulse where it can be written; else ~/.local/share/pulse",
			Help:    "Where Pulse keeps its files",
		},
		{
			Env: envStore, Flag: "store", Value: "URL", Default: "sqlite:",
			Help: "Where Pulse keeps its data: sqlite: is a file in the data directory, sqlite:///path/to/file another file, memory: forgets everything at the end, redis://user:password@host:6379/0 is a Redis 7 that several processes share, rediss: the same over TLS",
		},
		{
			Env: fileOf(envStore), Value: "FILE",
			Help: "File that holds the URL of the store, in place of " + envStore + ", since a password may be in it",
		},
		{
			Env: envKey, Value: "KEY", Default: "the file .encryption.key beside the store, made at the first start",
			Help: "The key that seals stored secrets: 32 bytes as base64 or hex; required with Redis, and the same for all that share one",
		},
		{
			Env: fileOf(envKey), Value: "FILE",
			Help: "File that holds the key, in place of " + envKey,
		},
		{
			Env: envKeyPrevious, Value: "KEYS",
			Help: "Former keys, comma-separated: what they sealed is sealed again with the present one",
		},
		{
			Env: fileOf(envKeyPrevious), Value: "FILE",
			Help: "File that holds the former keys, in place of " + envKeyPrevious + "; each may have a line of its own",
		},
		{
			Env: envTargets, Flag: "targets", Value: "FILE",
			Help: "YAML or JSON file that declares targets, for configuration that is kept in a repository",
		},
		{
			Env: envTargetsData, Value: "TEXT",
			Help: "Declared targets as text, in place of the file",
		},
	}
}

func otherSettings() []Setting {
	return []Setting{
		{
			Env: envRole, Flag: "role", Value: "ROLE", Default: "all",
			Help: "What this process does among those that share a Redis: all, api (polls nothing), or poller (answers only whether it is healthy and ready)",
		},
		{
			Env: envDemo, Flag: "demo", Default: "false",
			Help: "Simulate an estate and watch it; keeps everything in memory",
		},
		{
			Env: envLogLevel, Flag: "log-level", Value: "LEVEL", Default: "info",
			Help: "The least severe log lines to write: debug, info, warn or error",
		},
		{
			Env: envLogFormat, Flag: "log-format", Value: "FORMAT", Default: "text",
			Help: "How log lines are written: text or json",
		},
		{
			Env: envHTTPSProxy, Value: "URL", Default: "none",
			Help: "Proxy for requests to Proxmox; never used for this machine's own addresses",
		},
		{
			Env: envNoProxy, Value: "HOSTS",
			Help: "Hosts and networks that are reached without the proxy, comma-separated",
		},
	}
}

// Table returns the settings as a Markdown table, as the README has it.
func Table() string {
	var b strings.Builder
	b.WriteString("| environment | flag | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range Settings() {
		flag := ""
		if s.Flag != "" {
			flag = "`--" + s.Flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Env, flag, s.Default, s.Help)
	}
	return b.String()
}

// SettingError says which setting cannot be used and what would be. It never repeats the value.
type SettingError struct {
	Env    string
	Reason string // as "want debug, info, warn or error"
}

// Error names the setting as it is spelt in the environment and on the command line.
func (e *SettingError) Error() string {
	for _, s := range Settings() {
		if s.Env == e.Env && s.Flag != "" {
			return fmt.Sprintf("%s (--%s): %s", e.Env, s.Flag, e.Reason)
		}
	}
	return e.Env + ": " + e.Reason
}
