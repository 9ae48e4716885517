package main

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// maxConnections is how many connections clients may hold at the same time, streams among them. What comes on top waits
// in the system's queue: each connection takes memory and one of the files that the store needs too.
const maxConnections = 4096

// boundedListener accepts so many connections, and the next when one of them is closed.
type boundedListener struct {
	*net.TCPListener
	taken  chan struct{}
	closed chan struct{}
	close  func() error
}

// listenBounded takes an address.
func listenBounded(ctx context.Context, address string, limit int) (*boundedListener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("no TCP listener but a %T", listener)
	}
	l := &boundedListener{TCPListener: tcp, taken: make(chan struct{}, limit), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return tcp.Close()
	})
	return l, nil
}

// Accept waits for a connection, and before that until there is room for it.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.taken <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.AcceptTCP()
	if err != nil {
		<-l.taken
		return nil, err
	}
	return &boundedConn{TCPConn: conn, leave: sync.OnceFunc(func() { <-l.taken })}, nil
}

// Close ends the listening and whoever waits in Accept.
func (l *boundedListener) Close() error { return l.close() }

// boundedConn makes room when it is closed.
type boundedConn struct {
	*net.TCPConn
	leave func()
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}
