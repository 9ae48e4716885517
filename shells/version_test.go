package shells

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyATaggedBuildIsARelease(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"v5.0.0": true, "": false, "(devel)": false, "v5.0.0+dirty": false, "v5.0.1-0.20260102030405-0123456789ab": false,
	} {
		require.Equal(t, want, released(number), number)
	}
	require.Equal(t, "dev", shownVersion(""))
	require.Equal(t, "dev", shownVersion("(devel)"))
	require.Equal(t, "v5.0.0", Build("v5.0.0").Number)
	require.False(t, Build("v5.0.0").Development)
	require.True(t, Build("").Development, "a test is no release")
}
