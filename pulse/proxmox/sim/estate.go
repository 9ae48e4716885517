package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
)

// ErrUnknown tells that the estate has no cluster, node, guest, storage, backup
// server or datastore of the name that was given.
var ErrUnknown = errors.New("not in the simulated estate")

// Estate is a set of simulated PVE clusters and PBS. Make it with [New], open
// it with [Estate.Start] or [Estate.Run].
type Estate struct {
	cfg      Config
	clk      clock
	clusters []*cluster
	servers  []*backupServer
	log      *requestLog
	memory   memoryNetwork

	mu     sync.Mutex
	listen func(*endpoint) error // nil while the estate is closed
	stop   func()
}

// New builds an estate. It opens nothing and starts nothing; the addresses of
// an estate on sockets are known after Start.
func New(cfg Config) (*Estate, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Estate{cfg: cfg, log: newRequestLog()}
	e.clk = clock{base: cfg.Now(), tick: cfg.Tick, now: cfg.Now}
	if err := e.build(); err != nil {
		return nil, fmt.Errorf("build estate: %w", err)
	}
	return e, nil
}

// Run starts the estate and serves until ctx ends; it returns after all its
// goroutines did.
func (e *Estate) Run(ctx context.Context) error {
	if err := e.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	e.Stop()
	return nil
}

// Start opens all addresses and serves them until ctx ends or Stop is called.
// Call Stop in either case: it waits for the servers.
func (e *Estate) Start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stop != nil {
		return errors.New("estate is already started")
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	e.listen = func(p *endpoint) error {
		l, err := e.open(ctx, p)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.listener = l
		p.mu.Unlock()
		serving.Go(func() { p.accept(ctx, l) })
		return nil
	}
	serving.Go(func() {
		<-ctx.Done()
		for _, p := range e.endpoints() {
			p.shut()
		}
	})
	e.stop = func() {
		cancel()
		serving.Wait()
	}
	if err := e.openAll(); err != nil {
		e.closeLocked()
		return fmt.Errorf("start estate: %w", err)
	}
	for _, p := range e.endpoints() {
		if p.refuses() {
			p.shut()
		}
	}
	return nil
}

// Stop closes all addresses and connections and waits for the servers. An
// estate that was stopped can be started again, on its former ports.
func (e *Estate) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closeLocked()
}

func (e *Estate) closeLocked() {
	if e.stop == nil {
		return
	}
	stop := e.stop
	e.listen, e.stop = nil, nil
	stop()
	for _, p := range e.endpoints() {
		p.shut()
	}
}

// DialContext connects to a simulated server. It is for
// [net/http.Transport.DialContext] of a client that is to reach an estate with
// InMemory; the TLS above it is real. Without InMemory it dials as usual.
func (e *Estate) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if e.cfg.InMemory {
		return e.memory.dial(ctx, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

// endpoints are all addresses of the estate.
func (e *Estate) endpoints() []*endpoint {
	var out []*endpoint
	for _, c := range e.clusters {
		for _, n := range c.nodes {
			out = append(out, n.place)
		}
	}
	for _, s := range e.servers {
		out = append(out, s.place)
	}
	return out
}

// openAll opens each cluster's members on one common port and each PBS.
func (e *Estate) openAll() error {
	for _, c := range e.clusters {
		places := make([]*endpoint, 0, len(c.nodes))
		for _, n := range c.nodes {
			places = append(places, n.place)
		}
		if err := e.openGroup(places, e.cfg.PVEPort); err != nil {
			return fmt.Errorf("cluster %s: %w", c.name, err)
		}
	}
	for _, s := range e.servers {
		if err := e.openGroup([]*endpoint{s.place}, e.cfg.PBSPort); err != nil {
			return fmt.Errorf("backup server %s: %w", s.name, err)
		}
	}
	return nil
}

// openGroup finds a port that is free on all addresses of a group.
func (e *Estate) openGroup(places []*endpoint, port int) error {
	if places[0].port != 0 {
		port = places[0].port
	}
	var last error
	for range 20 {
		last = e.tryGroup(places, port)
		if last == nil || port != 0 {
			return last
		}
	}
	return last
}

// tryGroup opens all addresses on the given port, or on the one that the first
// address gets.
func (e *Estate) tryGroup(places []*endpoint, port int) error {
	for _, p := range places {
		if p.port == 0 {
			p.port = port
		}
		if err := e.listen(p); err != nil {
			for _, opened := range places {
				opened.shut()
				opened.port = 0
			}
			return err
		}
		if !e.ownAddresses() {
			continue
		}
		port = p.port
	}
	return nil
}

// ownAddresses tells whether members have loopback addresses of their own.
func (e *Estate) ownAddresses() bool {
	return e.cfg.InMemory || runtime.GOOS == "linux" || runtime.GOOS == "windows"
}

// open listens on one address and tells the endpoint its port.
func (e *Estate) open(ctx context.Context, p *endpoint) (net.Listener, error) {
	if e.cfg.InMemory {
		return e.memory.listen(p.address()), nil
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", p.address())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", p.address(), err)
	}
	if address, ok := l.Addr().(*net.TCPAddr); ok && p.port == 0 {
		p.port = address.Port
	}
	return l, nil
}

// reopen listens again on an address that refused connections.
func (e *Estate) reopen(p *endpoint) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.mu.Lock()
	p.refusing = false
	open := p.listener != nil
	p.mu.Unlock()
	if open || e.listen == nil {
		return nil
	}
	return e.listen(p)
}

// Clusters describes the PVE clusters in order. Addresses are complete once the
// estate was started.
func (e *Estate) Clusters() []ClusterInfo {
	out := make([]ClusterInfo, 0, len(e.clusters))
	for _, c := range e.clusters {
		out = append(out, c.info())
	}
	return out
}

// BackupServers describes the PBS in order.
func (e *Estate) BackupServers() []BackupServerInfo {
	out := make([]BackupServerInfo, 0, len(e.servers))
	for _, s := range e.servers {
		out = append(out, s.info())
	}
	return out
}

// Guests are the guests of a cluster by VMID, with their live state.
func (e *Estate) Guests(cluster string) ([]Guest, error) {
	c, err := e.cluster(cluster)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now()
	out := make([]Guest, 0, len(c.order))
	for _, g := range c.order {
		out = append(out, g.info())
	}
	return out, nil
}

// cluster finds a cluster by name.
func (e *Estate) cluster(name string) (*cluster, error) {
	for _, c := range e.clusters {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("cluster %s: %w", name, ErrUnknown)
}

// server finds a PBS by name.
func (e *Estate) server(name string) (*backupServer, error) {
	for _, s := range e.servers {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("backup server %s: %w", name, ErrUnknown)
}
