package lab

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// ProxyOptions say what a proxy stands before.
type ProxyOptions struct {
	// Target is the address of the server, as 127.0.0.1:6379.
	Target string
	// Tap, if not nil, is given what clients send just before it is passed on: the number of the connection, from 1 on,
	// and the bytes, which are not to be kept. It is called by one goroutine for each connection.
	Tap func(connection int, sent []byte)
}

// Proxy passes TCP connections on to a server, and can cut them, or keep them without passing anything on.
type Proxy struct {
	options  ProxyOptions
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	serial  int
	conns   map[net.Conn]struct{}
	cut     bool
	held    bool
	ended   bool
	changed chan struct{} // closed when one of the above changes
}

// StartProxy starts a proxy on a free port of 127.0.0.1. It ends with ctx, or by [Proxy.Close].
func StartProxy(ctx context.Context, o ProxyOptions) (*Proxy, error) {
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{options: o, listener: l, conns: map[net.Conn]struct{}{}, changed: make(chan struct{})}
	stop := context.AfterFunc(ctx, p.end)
	p.running.Go(func() {
		defer stop()
		p.accept(ctx)
	})
	return p, nil
}

// Address is where it listens, as 127.0.0.1:40001.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Close cuts everything, listens no more and returns when nothing of the proxy runs any more.
func (p *Proxy) Close() {
	p.end()
	p.running.Wait()
}

func (p *Proxy) end() {
	_ = p.listener.Close()
	p.change(func() { p.ended, p.cut = true, true })
}

// Cut closes all connections, and each new one at once, until [Proxy.Heal].
func (p *Proxy) Cut() { p.change(func() { p.cut = true }) }

// Hold keeps connections, also new ones, and passes nothing on in either direction until [Proxy.Heal], which then
// passes on what was sent meanwhile, as a network does that was away for a while.
func (p *Proxy) Hold() { p.change(func() { p.held = true }) }

// Heal ends Cut and Hold.
func (p *Proxy) Heal() { p.change(func() { p.held, p.cut = false, p.ended }) }

func (p *Proxy) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
	if p.cut {
		for conn := range p.conns {
			_ = conn.Close() // whoever uses it closes it too
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept(ctx context.Context) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		serving.Go(func() { p.serve(ctx, client) })
	}
}

// use keeps a connection so that it can be cut, and returns what ends its use.
func (p *Proxy) use(conn net.Conn) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = struct{}{}
	if p.cut {
		_ = conn.Close()
	}
	return func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, conn)
	}
}

func (p *Proxy) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	return p.serial
}

// serve passes on between a client and the server until one of them ends.
func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	defer p.use(client)()
	if !p.passable() {
		return
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", p.options.Target)
	if err != nil {
		return
	}
	defer p.use(server)()
	tap := func([]byte) {}
	if number := p.number(); p.options.Tap != nil {
		tap = func(sent []byte) { p.options.Tap(number, sent) }
	}
	var both sync.WaitGroup
	both.Go(func() {
		p.pass(server, client, tap)
		_ = server.Close() // ends the other direction
	})
	both.Go(func() {
		p.pass(client, server, func([]byte) {})
		_ = client.Close()
	})
	both.Wait()
}

// pass copies what from sends. The end of from is something that it sends, too: while all is held, nobody learns of it.
func (p *Proxy) pass(to, from net.Conn, tell func([]byte)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if !p.passable() {
			return
		}
		if n > 0 {
			tell(buffer[:n])
		}
		if _, failure := to.Write(buffer[:n]); err != nil || failure != nil {
			return
		}
	}
}

// passable waits while all is held; false tells that all is cut.
func (p *Proxy) passable() bool {
	for {
		p.mu.Lock()
		held, cut, changed := p.held, p.cut, p.changed
		p.mu.Unlock()
		switch {
		case cut:
			return false
		case !held:
			return true
		}
		<-changed
	}
}
