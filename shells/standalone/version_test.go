package main

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
	require.Equal(t, "dev", shown(""))
	require.Equal(t, "dev", shown("(devel)"))
	require.Equal(t, "v5.0.0", shown("v5.0.0"))
}

func TestLocalURLIsReachableFromThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":7655":          "http://localhost:7655",
		"[::]:7655":      "http://localhost:7655",
		"0.0.0.0:7655":   "http://localhost:7655",
		"127.0.0.1:7655": "http://127.0.0.1:7655",
		"[::1]:7655":     "http://[::1]:7655",
	} {
		require.Equal(t, want, localURL(address, false))
	}
	require.Equal(t, "https://localhost:7655", localURL(":7655", true))
}
