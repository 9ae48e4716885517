package sim

import "time"

// changeNode runs change on a member under the cluster's lock. All answers
// made before are forgotten.
func (e *Estate) changeNode(clusterName, name string, change func(c *cluster, n *node, now time.Time, tick int64)) error {
	c, err := e.cluster(clusterName)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.findNode(name)
	if err != nil {
		return err
	}
	now, tick := c.now()
	change(c, n, now, tick)
	c.revision++
	return nil
}

// place is the address of a member.
func (e *Estate) place(clusterName, nodeName string) (*endpoint, error) {
	var p *endpoint
	err := e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) { p = n.place })
	return p, err
}

// NodeDown takes the power from a member: connections are refused, other
// members answer 595 for it, its row is offline at once; its guests keep their
// last numbers for five minutes and then are unknown.
func (e *Estate) NodeDown(clusterName, nodeName string) error {
	p, err := e.place(clusterName, nodeName)
	if err != nil {
		return err
	}
	err = e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, tick int64) {
		n.off = true
		n.freeze(tick)
	})
	p.refuse()
	return err
}

// NodeUp gives a member its power back. It and the guests that ran on it have
// booted just now; pvestatd publishes again from the next tick on.
func (e *Estate) NodeUp(clusterName, nodeName string) error {
	err := e.changeNode(clusterName, nodeName, func(c *cluster, n *node, now time.Time, tick int64) {
		if !n.off {
			return
		}
		n.off, n.booted = false, now
		n.unfreeze(tick)
		for _, g := range c.order {
			if g.node == n.name && g.live.alive() {
				g.boot(now)
				c.touch(g, tick)
			}
		}
	})
	if err != nil {
		return err
	}
	p, err := e.place(clusterName, nodeName)
	if err != nil {
		return err
	}
	return e.reopen(p)
}

// NodeProxyDown stops (or starts) only the API server of a member: the member
// stays online with fresh numbers, but connections to it are refused and other
// members answer 595 for its paths.
func (e *Estate) NodeProxyDown(clusterName, nodeName string, down bool) error {
	var p *endpoint
	err := e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) {
		n.proxyDown = down
		p = n.place
	})
	switch {
	case err != nil:
		return err
	case down:
		p.refuse()
		return nil
	}
	return e.reopen(p)
}

// NodeDaemonDown stops (or starts) only the privileged daemon of a member:
// guest, storage and disk calls to it answer 595, everything else works.
func (e *Estate) NodeDaemonDown(clusterName, nodeName string, down bool) error {
	return e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) { n.daemonDown = down })
}

// NodeHang makes the API server of a member accept connections and never
// answer; other members answer 596 for its paths after [Config.ProxyTimeout].
// With hung false, what waits is answered.
func (e *Estate) NodeHang(clusterName, nodeName string, hung bool) error {
	return e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) {
		n.hung = hung
		n.place.hang(hung)
	})
}

// NodeSlow delays every answer of a member by d, also those proxied to it.
func (e *Estate) NodeSlow(clusterName, nodeName string, d time.Duration) error {
	return e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) { n.slow = d })
}

// ProxyError makes other members answer code (595 to 599) at once for the paths
// of a member, which itself works. Zero ends it.
func (e *Estate) ProxyError(clusterName, nodeName string, code int) error {
	return e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, _ int64) {
		n.proxyError, n.proxyReason = code, "Connection timed out"
		if code == statusConnect {
			n.proxyReason = "No route to host"
		}
	})
}

// StatusDaemonStopped stops (or starts) pvestatd of a member: its numbers stand
// still, after five minutes the node, its guests and storages are unknown.
func (e *Estate) StatusDaemonStopped(clusterName, nodeName string, stopped bool) error {
	return e.changeNode(clusterName, nodeName, func(_ *cluster, n *node, _ time.Time, tick int64) {
		switch {
		case stopped:
			n.freeze(tick)
		case !n.off:
			n.unfreeze(tick)
		}
	})
}

// RenewCertificate gives a member another certificate of the same authority.
func (e *Estate) RenewCertificate(clusterName, nodeName string) error {
	return e.changeCertificate(clusterName, nodeName, func(c *cluster, n *node, _ time.Time) (*certificate, error) {
		return c.ca.issue(n.name, n.place.ip)
	})
}

// ReplaceCertificate gives a member a self-signed certificate that the
// cluster's authority did not issue.
func (e *Estate) ReplaceCertificate(clusterName, nodeName string) error {
	return e.changeCertificate(clusterName, nodeName, func(c *cluster, n *node, now time.Time) (*certificate, error) {
		c.ca.issued++
		return selfSigned(c.chance.named("foreign").of(uint64(c.ca.issued)), n.name, "Somebody Else", n.place.ip, now)
	})
}

func (e *Estate) changeCertificate(clusterName, nodeName string, issue func(*cluster, *node, time.Time) (*certificate, error)) error {
	var cert *certificate
	var issueErr error
	var p *endpoint
	err := e.changeNode(clusterName, nodeName, func(c *cluster, n *node, now time.Time, _ int64) {
		p = n.place
		cert, issueErr = issue(c, n, now)
	})
	if err != nil {
		return err
	}
	if issueErr != nil {
		return issueErr
	}
	p.show(cert)
	return nil
}

// changeCluster runs change under the cluster's lock.
func (e *Estate) changeCluster(name string, change func(*cluster)) error {
	c, err := e.cluster(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now()
	change(c)
	c.revision++
	return nil
}

// Unauthorized makes a cluster refuse every credential, as after a deleted
// token; with refuse false they work again.
func (e *Estate) Unauthorized(clusterName string, refuse bool) error {
	return e.changeCluster(clusterName, func(c *cluster) { c.unauthorized = refuse })
}

// QuorumLost splits a cluster: every member sees only itself online, and
// nothing can be changed.
func (e *Estate) QuorumLost(clusterName string, lost bool) error {
	return e.changeCluster(clusterName, func(c *cluster) { c.noQuorum = lost })
}

// StorageDown makes a storage unreachable from all members, as a dead NFS
// server; its row keeps old numbers for five minutes and then is unknown.
func (e *Estate) StorageDown(clusterName, storage string, down bool) error {
	c, err := e.cluster(clusterName)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, tick := c.now()
	s, err := c.findStorage(storage)
	if err != nil {
		return err
	}
	s.setDown(down, tick)
	c.revision++
	return nil
}

// statusConnect and statusTimeout are what pveproxy answers when it cannot
// open a connection to another member, and when that one does not answer.
const (
	statusConnect = 595
	statusTimeout = 596
)
