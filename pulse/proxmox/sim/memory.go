package sim

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// memoryNetwork connects clients and servers of one process without sockets.
type memoryNetwork struct {
	mu     sync.Mutex
	places map[string]*memoryListener
}

// listen opens an address; it must be closed before it can be opened again.
func (n *memoryNetwork) listen(address string) net.Listener {
	l := &memoryListener{network: n, address: address, calls: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.places == nil {
		n.places = map[string]*memoryListener{}
	}
	n.places[address] = l
	return l
}

// dial connects to an address; a closed one refuses at once.
func (n *memoryNetwork) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.places[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: memoryAddress(address), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	client, server := memoryPipe("192.0.2.1:49152", memoryAddress(address))
	select {
	case l.calls <- server:
		return client, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// memoryListener is one open address.
type memoryListener struct {
	network *memoryNetwork
	address string
	calls   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

// Accept implements net.Listener.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.calls:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *memoryListener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		if l.network.places[l.address] == l {
			delete(l.network.places, l.address)
		}
		close(l.closed)
	})
	return nil
}

// Addr implements net.Listener.
func (l *memoryListener) Addr() net.Addr { return memoryAddress(l.address) }

// memoryAddress is an address of the memory network.
type memoryAddress string

// Network implements net.Addr.
func (memoryAddress) Network() string { return "tcp" }

// String implements net.Addr.
func (a memoryAddress) String() string { return string(a) }
