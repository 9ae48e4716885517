package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// cluster is one PVE cluster or standalone host. Its mutex guards everything
// that changes after it was built.
type cluster struct {
	cfg    *Config
	clk    clock
	chance chance
	name   string
	index  int

	standalone bool
	ca         *authority
	accounts   *accounts
	backups    *datastorePlace // where its guests are backed up; nil without PBS

	mu           sync.Mutex
	nodes        []*node
	guests       map[int]*guest
	order        []*guest // by VMID
	waiting      map[int]*guest
	storages     []*storage
	pools        []string
	jobs         []backupJob
	replications []replication
	running      []*task
	unauthorized bool
	noQuorum     bool
	usesHA       bool
	revision     uint64
	documents    map[documentKey]*document
	documentTick int64
}

// now advances the cluster to the present: tasks that are due end, and changes
// that pvestatd has seen are published. The caller holds mu.
func (c *cluster) now() (time.Time, int64) {
	now := c.clk.now()
	c.finishTasks(now)
	current := c.clk.at(now)
	c.publish(current)
	return now, current
}

// publish shows the changes that happened before the latest loop of pvestatd.
func (c *cluster) publish(current int64) {
	for vmid, g := range c.waiting {
		n := c.node(g.node)
		if n == nil || n.published(current) <= g.changed {
			continue
		}
		state := g.live
		g.shown = &state
		delete(c.waiting, vmid)
		c.revision++
	}
}

// touch notes that a guest's live state changed.
func (c *cluster) touch(g *guest, current int64) {
	g.changed = current
	c.waiting[g.vmid] = g
	c.revision++
}

// add puts a guest into the cluster; shown at once when it always was there.
func (c *cluster) add(g *guest) {
	c.guests[g.vmid] = g
	at, _ := slices.BinarySearchFunc(c.order, g.vmid, func(g *guest, vmid int) int { return g.vmid - vmid })
	c.order = slices.Insert(c.order, at, g)
	c.revision++
}

// remove takes a guest out at once, as the list of configuration files does.
func (c *cluster) remove(vmid int) {
	delete(c.guests, vmid)
	delete(c.waiting, vmid)
	c.order = slices.DeleteFunc(c.order, func(g *guest) bool { return g.vmid == vmid })
	c.revision++
}

// node finds a member; nil when there is none of that name.
func (c *cluster) node(name string) *node {
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// storage finds a storage definition; nil when there is none.
func (c *cluster) storage(name string) *storage {
	for _, s := range c.storages {
		if s.name == name {
			return s
		}
	}
	return nil
}

// online tells whether viewer sees n as a member: a node without quorum sees
// only itself.
func (c *cluster) online(viewer, n *node) bool {
	if n == viewer {
		return true
	}
	return !n.off && !c.noQuorum
}

// quorate tells whether the members that run are a majority.
func (c *cluster) quorate() bool {
	up := 0
	for _, n := range c.nodes {
		if !n.off {
			up++
		}
	}
	return !c.noQuorum && up*2 > len(c.nodes)
}

// findNode and findGuest look up what a caller of the package named.
func (c *cluster) findNode(name string) (*node, error) {
	if n := c.node(name); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("node %s of %s: %w", name, c.name, ErrUnknown)
}

func (c *cluster) findGuest(vmid int) (*guest, error) {
	if g := c.guests[vmid]; g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("guest %d of %s: %w", vmid, c.name, ErrUnknown)
}
