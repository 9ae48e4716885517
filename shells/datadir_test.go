package shells

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindDataDir(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	none := filepath.Join(shared, "none")
	file := filepath.Join(shared, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	home := env{"HOME": "/home/anna"}
	for _, tt := range []struct {
		name, chosen, shared string
		env                  env
		want                 string
	}{
		{"chosen", "/data", shared, env{"STATE_DIRECTORY": "/s", "HOME": "/h"}, "/data"},
		{"systemd", "", shared, env{"STATE_DIRECTORY": "/var/lib/pulse:/var/lib/other", "HOME": "/h"}, "/var/lib/pulse"},
		{"shared", "", shared, home, shared},
		{"shared is missing", "", none, home, "/home/anna/.local/share/pulse"},
		{"shared is no directory", "", file, home, "/home/anna/.local/share/pulse"},
		{"XDG", "", none, env{"XDG_DATA_HOME": "/xdg", "HOME": "/h"}, "/xdg/pulse"},
		{"a relative XDG is ignored", "", none, env{"XDG_DATA_HOME": "xdg", "HOME": "/h"}, "/h/.local/share/pulse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, err := findDataDir(tt.chosen, tt.shared, tt.env.get)
			require.NoError(t, err)
			require.Equal(t, tt.want, dir)
		})
	}
	_, err := findDataDir("", none, env{}.get)
	require.EqualError(t, err,
		"PULSE_DATA_DIR (--data-dir): is required, since there is no home directory to keep data in")
	left, err := os.ReadDir(shared)
	require.NoError(t, err)
	require.Len(t, left, 1, "asking whether a directory can be written leaves nothing in it")
}

func TestFindDataDirMakesAChosenOneAbsolute(t *testing.T) {
	t.Parallel()
	working, err := os.Getwd()
	require.NoError(t, err)
	dir, err := findDataDir("data", "", env{}.get)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(working, "data"), dir)
}
