package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotifyReachesTheServiceManager(t *testing.T) {
	t.Parallel()
	manager, path := serviceManager(t)
	require.NoError(t, notify(t.Context(), path, notifyReady))
	require.Equal(t, "READY=1", told(t, manager))
}

func TestNotifyReachesAnAbstractSocket(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract sockets")
	}
	address := "@pulse-test-" + t.TempDir()
	manager := managerAt(t, address)
	require.NoError(t, notify(t.Context(), address, notifyStopping))
	require.Equal(t, "STOPPING=1", told(t, manager))
}

func TestNotifyWithoutAServiceManager(t *testing.T) {
	t.Parallel()
	require.NoError(t, notify(t.Context(), "", notifyReady))
	require.EqualError(t, notify(t.Context(), "vsock:2:1", notifyReady),
		"notify the service manager: want a path or an abstract socket in NOTIFY_SOCKET")
	require.Error(t, notify(t.Context(), "/nonexistent/socket", notifyReady))
}
