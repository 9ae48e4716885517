package proxmox

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Learned is what an authenticated client found out about its target. Whoever keeps it and hands it back in
// [Trust.Known] and [Trust.CA] gets a client that works with the configured member down.
type Learned struct {
	// At is when it was learned, in UTC; zero when nothing was yet.
	At      time.Time
	Version Version
	// ClusterName is empty for a single host and for PBS.
	ClusterName string
	// Members are sorted by name; a single host has one. Address is empty where the credential may not see it. Empty
	// for PBS.
	Members []Member
	// CA is the cluster's own authority in PEM; empty when it could not be read or nothing verified the connection.
	CA []byte
}

// Learned returns what was learned so far by this client. Before that it has no time, and the members and the authority
// that the client was given in [Trust].
func (c *Client) Learned() Learned {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.learned
	out.Members = slices.Clone(out.Members)
	out.CA = slices.Clone(out.CA)
	return out
}

// Learn reads the version, and from a PVE the members, their certificates' fingerprints and the cluster's authority,
// and knocks at members not seen before. From then on they stand by. Missing rights leave parts out; Learn fails only
// when the version cannot be read or the target stops answering.
func (c *Client) Learn(ctx context.Context) (Learned, error) {
	out, err := c.learn(ctx)
	if err == nil && c.opt.Kind == PVE {
		c.knockAll(ctx)
	}
	return out, err
}

func (c *Client) learn(ctx context.Context) (Learned, error) {
	version, _, err := c.Version(ctx)
	if err != nil {
		return Learned{}, err
	}
	out := Learned{At: time.Now().UTC(), Version: version}
	local := ""
	if c.opt.Kind == PVE {
		if local, err = c.learnCluster(ctx, &out); err != nil {
			return Learned{}, err
		}
	}
	c.mu.Lock()
	c.learned = out
	c.mu.Unlock()
	c.trust.learn(out.Members, out.CA)
	if out.Members != nil {
		c.setMembers(out.Members, local)
	}
	return c.Learned(), nil
}

// learnCluster fills in what a PVE tells; local is the node name of the configured address, if that answered.
func (c *Client) learnCluster(ctx context.Context, out *Learned) (local string, err error) {
	nodes, _, err := c.Nodes(ctx)
	if unanswered(err) {
		return "", err
	}
	status, meta, err := c.ClusterStatus(ctx)
	if unanswered(err) {
		return "", err
	}
	out.ClusterName = status.Name
	out.Members = members(c.opt.Address, nodes, status)
	answering := ""
	for _, m := range status.Members {
		if m.Local {
			answering = m.Name
		}
	}
	if answering == "" && len(nodes) == 1 {
		answering = nodes[0].Name
	}
	if meta.Member == c.opt.Address {
		local = answering
	}
	if answering == "" || c.opt.Trust.Fingerprint.IsZero() && c.opt.Trust.Verify == VerifyOff {
		return local, nil
	}
	certificates, _, err := c.Certificates(ctx, answering)
	if unanswered(err) {
		return "", err
	}
	for _, cert := range certificates {
		if cert.Filename == "pve-root-ca.pem" && authorities([]byte(cert.PEM)) != nil {
			out.CA = []byte(cert.PEM)
		}
	}
	return local, nil
}

// unanswered tells a call that got no answer from one that was refused, which only leaves something out.
func unanswered(err error) bool {
	var e *Error
	return err != nil && (!errors.As(err, &e) || e.Status == 0 || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrNotProxmox))
}

// members joins what the two calls tell. The port is the configured one: clusters that moved it moved it everywhere.
func members(address string, nodes []Node, status ClusterStatus) []Member {
	_, port, _ := net.SplitHostPort(hostPort(address))
	byName := map[string]Member{}
	for _, m := range status.Members {
		member := Member{Name: m.Name}
		if ip, err := netip.ParseAddr(m.IP); err == nil {
			member.Address = "https://" + net.JoinHostPort(ip.Unmap().WithZone("").String(), port)
		}
		byName[m.Name] = member
	}
	for _, n := range nodes {
		member := byName[n.Name]
		member.Name, member.Fingerprint = n.Name, n.Fingerprint
		byName[n.Name] = member
	}
	out := make([]Member, 0, len(byName))
	for _, m := range byName {
		if m.Name != "" {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

// setMembers makes endpoints of the members that have an address and keeps those already there. local is the node name
// of the configured address; that node's own entry is the last way in.
func (c *Client) setMembers(list []Member, local string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if local != "" {
		c.preferred.name = local
	}
	old := c.others
	c.others = nil
	for _, m := range list {
		if m.Address == c.preferred.base {
			c.preferred.name = m.Name
			continue
		}
		if _, err := NormalizeAddress(c.opt.Kind, m.Address); m.Address == "" || err != nil {
			continue
		}
		same := func(e *endpoint) bool { return e.base == m.Address && e.name == m.Name }
		if i := slices.IndexFunc(old, same); i >= 0 {
			c.others = append(c.others, old[i])
			continue
		}
		c.others = append(c.others, c.newEndpoint(m.Address, m.Name, false))
	}
	slices.SortStableFunc(c.others, func(a, b *endpoint) int {
		return cmp.Or(cmpBool(a.name == c.preferred.name, b.name == c.preferred.name), cmp.Compare(a.name, b.name))
	})
	for _, e := range old {
		if !slices.Contains(c.others, e) {
			e.idle()
		}
	}
	if c.active != c.preferred && !slices.Contains(c.others, c.active) {
		c.active = c.preferred
	}
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// knockAll finds out which of the members that were never asked can be reached from here.
func (c *Client) knockAll(ctx context.Context) {
	c.mu.Lock()
	var fresh []*endpoint
	for _, e := range c.others {
		if e.health.lastOK.IsZero() && e.health.lastFailure.IsZero() {
			fresh = append(fresh, e)
		}
	}
	c.mu.Unlock()
	limit := make(chan struct{}, handshakesAtOneTime)
	var wg sync.WaitGroup
	for _, e := range fresh {
		release, err := acquire(ctx, limit)
		if err != nil {
			break
		}
		wg.Go(func() {
			defer release()
			c.knock(ctx, e)
		})
	}
	wg.Wait()
}
