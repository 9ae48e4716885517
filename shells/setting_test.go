package shells

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsAreWhatIsRead(t *testing.T) {
	t.Parallel()
	read := map[string]bool{"https_proxy": true}
	note := func(name string) string { read[name] = true; return "" }
	_, err := ReadConfig(note)
	require.NoError(t, err)
	delete(read, "https_proxy") // another spelling
	read[envNoProxy] = true     // read by the standard library

	listed := map[string]bool{}
	for _, s := range Settings() {
		require.False(t, listed[s.Env], "%s is listed twice", s.Env)
		listed[s.Env] = true
		require.NotEmpty(t, s.Help, s.Env)
		require.False(t, strings.HasSuffix(s.Help, "."), s.Env)
	}
	require.Equal(t, read, listed)
}

func TestSecretsHaveNoFlag(t *testing.T) {
	t.Parallel()
	for _, s := range Settings() {
		switch s.Env {
		case envToken, envKey, envKeyPrevious, envTargetsData, fileOf(envToken), fileOf(envKey), fileOf(envKeyPrevious), fileOf(envStore):
			require.Empty(t, s.Flag, s.Env)
		}
	}
}

func TestTableHasARowForEachSetting(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(Table()), "\n")
	require.Len(t, lines, 2+len(Settings()))
	for _, line := range lines {
		require.Equal(t, 5, strings.Count(line, "|"), line)
	}
	require.Contains(t, Table(), "| `PORT` | `--listen` | :7655 |")
}
