package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := listenBounded(t.Context(), "127.0.0.1:0", 2)
	require.NoError(t, err)
	accepted := make(chan net.Conn)
	ended := make(chan error)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	var dialer net.Dialer
	clients := make([]net.Conn, 4)
	for i := range clients {
		clients[i], err = dialer.DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err, "the system takes it")
		defer clients[i].Close() //nolint:errcheck // at the end
	}
	first, second := <-accepted, <-accepted
	require.Len(t, l.taken, 2)
	select {
	case <-accepted:
		t.Fatal("a third connection was accepted")
	default:
	}
	require.Implements(t, (*interface{ CloseWrite() error })(nil), first, "the server ends refused bodies with it")
	require.NoError(t, first.Close())
	require.Error(t, first.Close(), "again")
	third := <-accepted
	require.Len(t, l.taken, 2, "closing twice makes room once")

	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-ended, net.ErrClosed, "also while it waits for room")
	require.NoError(t, second.Close())
	require.NoError(t, third.Close())
	require.Empty(t, l.taken)
}
