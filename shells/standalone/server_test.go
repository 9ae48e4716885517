package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
