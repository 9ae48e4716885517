package shells

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
)

func TestSecretsMayStandInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, former, older := config.NewKey(), config.NewKey(), config.NewKey()
	getenv, err := withSecretFiles(env{
		"API_TOKEN_FILE":                     writeFile(t, dir, "token", " token\n"),
		"PULSE_STORE_FILE":                   writeFile(t, dir, "store", "server://user:hunter2@host\r\n"),
		"PULSE_ENCRYPTION_KEY_FILE":          " " + writeFile(t, dir, "key", key.Encode()+"\n") + "\n",
		"PULSE_ENCRYPTION_KEY_PREVIOUS_FILE": writeFile(t, dir, "former", former.Encode()+"\n"+older.Encode()+"\n"),
		"LOG_LEVEL":                          "warn",
	}.get)
	require.NoError(t, err)
	c, err := ReadConfig(getenv)
	require.NoError(t, err)
	require.Equal(t, config.NewSecret("token"), c.access.token)
	require.Equal(t, "server://user:hunter2@host", c.data.store)
	require.Equal(t, key, c.data.key)
	require.Equal(t, []config.Key{former, older}, c.data.previousKeys)
	require.Equal(t, "warn", getenv("LOG_LEVEL"), "the rest of the environment stays")
}

func TestSecretFilesThatCannotBeUsedAreNamedWithTheirPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	empty := writeFile(t, dir, "empty", " \n")
	large := writeFile(t, dir, "large", strings.Repeat("x", maxSecretFile+1))
	_, err := Open(t.Context(), env{
		"API_TOKEN_FILE": none, "PULSE_STORE_FILE": empty, "PULSE_ENCRYPTION_KEY_FILE": dir,
		"PULSE_ENCRYPTION_KEY_PREVIOUS_FILE": large, "LOG_LEVEL": "x",
	}.get, testParts())
	require.EqualError(t, err, "API_TOKEN_FILE: open "+none+": no such file or directory\n"+
		"PULSE_STORE_FILE: "+empty+" is empty\n"+
		"PULSE_ENCRYPTION_KEY_FILE: read "+dir+": is a directory\n"+
		"PULSE_ENCRYPTION_KEY_PREVIOUS_FILE: read "+large+": is too large to hold one secret\n"+
		"LOG_LEVEL (--log-level): want debug, info, warn or error")
}

func TestASecretStandsInOnePlace(t *testing.T) {
	t.Parallel()
	for _, name := range fromFiles {
		both := env{name: config.NewKey().Encode(), fileOf(name): "/nonexistent"}
		_, err := Open(t.Context(), both.get, testParts())
		require.ErrorContains(t, err, name+"_FILE: want only one of "+name+" and "+name+"_FILE", name)
		require.NotContains(t, err.Error(), "no such file", name)
	}
}

func TestATokenInAFileGuards(t *testing.T) {
	t.Parallel()
	e := env{
		"API_TOKEN_FILE": writeFile(t, t.TempDir(), "token", "correct\n"), "PULSE_STORE": "memory:", "ALLOWED_ORIGINS": "*",
	}
	_, err := ReadConfig(e.get)
	require.NoError(t, err, "whoever only reads the settings does not open the file")
	p := openWith(t, e, testParts())
	require.True(t, p.Guarded)
	require.Equal(t, 401, status(t, p, "/api/state", ""))
	require.Equal(t, 200, status(t, p, "/api/state", "correct"))
}

func TestEverythingThatIsMissingIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	parts := testParts()
	parts.DefaultStore, parts.Required = "", []string{"API_TOKEN", "PULSE_ENCRYPTION_KEY"}
	const (
		token = "API_TOKEN: is required; it may stand in a file that API_TOKEN_FILE names"
		key   = "PULSE_ENCRYPTION_KEY: is required; it may stand in a file that PULSE_ENCRYPTION_KEY_FILE names"
		store = "PULSE_STORE (--store): is required; this program has file:, memory:, server:"
	)
	_, err := Open(t.Context(), env{}.get, parts)
	require.EqualError(t, err, token+"\n"+key+"\n"+store)
	_, err = Open(t.Context(), env{"PULSE_STORE": "memory:"}.get, parts)
	require.EqualError(t, err, token+"\n"+key)
	_, err = Open(t.Context(), env{"API_TOKEN": "t", "PULSE_ENCRYPTION_KEY": "x"}.get, parts)
	require.EqualError(t, err, "PULSE_ENCRYPTION_KEY: want 32 bytes as base64 or hex\n"+store)
	file := writeFile(t, t.TempDir(), "key", config.NewKey().Encode())
	openWith(t, env{"API_TOKEN": "t", "PULSE_ENCRYPTION_KEY_FILE": file, "PULSE_STORE": "memory:"}, parts)
}

func TestBasePathIsOneThatPathsCanBeginWith(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "/": "", "/pulse": "/pulse", " /a/b/ ": "/a/b"} {
		c, err := ReadConfig(env{"PULSE_BASE_PATH": in}.get)
		require.NoError(t, err, in)
		require.Equal(t, want, c.BasePath, in)
	}
	for _, in := range []string{"pulse", "/a b", "/a//b", "/a/../b", "/a?b", "/%zz", "https://a.example.com/b"} {
		_, err := ReadConfig(env{"PULSE_BASE_PATH": in}.get)
		require.EqualError(t, err, "PULSE_BASE_PATH: want a path as /pulse", in)
	}
}
