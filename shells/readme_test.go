package shells_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/shells"
)

// TestReadmeHasTheSettings keeps the table that people read equal to what is read from the environment.
func TestReadmeHasTheSettings(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(readme), "<!-- settings -->\n")
	require.True(t, found)
	table, _, found := strings.Cut(after, "<!-- end of settings -->")
	require.True(t, found)
	require.Equal(t, strings.TrimSpace(shells.Table()), strings.TrimSpace(table))
}
