package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	notSet := func(string) string { return "" }
	if err := run(context.Background(), notSet, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// qemu 100  home-assistant      alder  running
	// qemu 101  nextcloud           alder  running
	// qemu 102  postgres            birch  running
	// qemu 103  gitlab              birch  running
	// qemu 104  win11-desk          cedar  stopped
	// qemu 105  firewall            cedar  running
	// qemu 106  k3s-1               alder  running
	// qemu 107  k3s-2               birch  running
	// qemu 108  test-debian         cedar  paused
	// qemu 109  debian-13-template  alder  stopped
	// lxc  110  dns-1               alder  running
	// lxc  111  dns-2               birch  running
	// lxc  112  grafana             cedar  running
	// lxc  113  paperless           birch  running
	// lxc  114  jellyfin            alder  running
	// lxc  115  backup-relay        cedar  stopped
	// lxc  116  alpine-template     cedar  stopped
}

func TestRunTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PVE_HOST": "https://192.0.2.7:8006", "PVE_TOKEN_ID": "monitor@pve!pulse"}
	var out strings.Builder
	err := run(t.Context(), func(name string) string { return env[name] }, &out)
	require.EqualError(t, err, "tokenValue: is required")
	require.Empty(t, out.String())
}
