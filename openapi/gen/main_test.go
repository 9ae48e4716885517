package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/openapi"
)

func TestDocumentsAreWhatIsServed(t *testing.T) {
	t.Parallel()
	require.NoError(t, run("..", true))
	for name, served := range map[string][]byte{"openapi.json": openapi.JSON, "openapi.yaml": openapi.YAML} {
		written, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.Equal(t, string(written), string(served))
	}
}

func TestCheckFindsAStaleDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, run(dir, false))
	require.NoError(t, run(dir, true))
	path := filepath.Join(dir, "openapi-3.0.json")
	require.NoError(t, os.WriteFile(path, []byte("{}\n"), 0o600))
	require.ErrorContains(t, run(dir, true), "openapi-3.0.json is stale")
	require.NoError(t, run(dir, false))
	require.NoError(t, run(dir, true), "two runs write the same")
}
