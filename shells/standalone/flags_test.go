package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/shells"
)

func TestEachFlagSetsItsSetting(t *testing.T) {
	t.Parallel()
	for _, s := range withFlag(shells.Settings()) {
		args, want := []string{"--" + s.Flag, "value"}, "value"
		if s.Value == "" {
			args, want = []string{"--" + s.Flag}, "true"
		}
		line, err := parse(args, &bytes.Buffer{})
		require.NoError(t, err, s.Flag)
		require.Equal(t, map[string]string{s.Env: want}, line.settings)
	}
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	t.Parallel()
	line, err := parse([]string{"--listen", ":1", "--demo=false"}, &bytes.Buffer{})
	require.NoError(t, err)
	get := line.over(env{"PORT": "2", "PULSE_DEMO": "true", "LOG_LEVEL": "warn"}.get)
	require.Equal(t, ":1", get("PORT"))
	require.Equal(t, "false", get("PULSE_DEMO"))
	require.Equal(t, "warn", get("LOG_LEVEL"))
}

func TestHelpListsEverythingThatCanBeSet(t *testing.T) {
	t.Parallel()
	var out, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--help"}, env{}.get, &out, &stderr))
	require.Empty(t, stderr.String())
	for _, s := range shells.Settings() {
		require.Contains(t, out.String(), s.Env)
		if s.Flag != "" {
			require.Contains(t, out.String(), "--"+s.Flag)
		}
	}
	for _, flag := range []string{"--version", "--health", "--help"} {
		require.Contains(t, out.String(), flag)
	}
}
