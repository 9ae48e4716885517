package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// news are the moments at which clients of the replicas learn that a guest stopped, one client of each replica.
type news struct {
	replicas *replicated
	messages *messages
	failed   chan error

	mu      sync.Mutex
	watched string // the guest's id as it stands in a message; empty while none is watched
	learned []time.Time
	missing int
	all     chan struct{} // closed when none is missing
}

// measureNews measures how soon a client of one replica learns what another one has committed.
func (b *bench) measureNews(ctx context.Context, r *replicated) error {
	n := &news{replicas: r, messages: newMessages(), failed: make(chan error, len(r.replicas))}
	following, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range r.replicas {
		c, err := dialStream(ctx, r.replicas[i].URL, token)
		if err != nil {
			return err
		}
		wg.Go(func() {
			stop := context.AfterFunc(following, c.close)
			defer c.close()
			defer stop()
			if err := n.follow(i, c); following.Err() == nil {
				n.failed <- err
			}
		})
	}
	for round := range b.stops {
		// At another moment of the cycle each time.
		if err := pause(ctx, cycle*time.Duration(round)/time.Duration(b.stops)/2); err != nil {
			return err
		}
		if err := n.stopOne(ctx, b, round); err != nil {
			return err
		}
	}
	return nil
}

// follow notes when the client of replica i learns of the watched guest's end.
func (n *news) follow(i int, c *streamClient) error {
	for {
		payload, compressed, err := c.next()
		if err != nil {
			return err
		}
		at := time.Now()
		m, err := n.messages.read(payload, compressed)
		if err != nil {
			return err
		}
		n.note(i, m, at)
	}
}

func (n *news) note(i int, m *message, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watched == "" || !n.learned[i].IsZero() || m.status(n.watched) != "stopped" {
		return
	}
	n.learned[i] = at
	if n.missing--; n.missing == 0 {
		close(n.all)
	}
}

func (n *news) watch(guest string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watched, n.all = guest, make(chan struct{})
	n.missing = len(n.replicas.replicas)
	n.learned = make([]time.Time, n.missing)
	return n.all
}

// stopOne stops a guest and waits until a client of each replica knows.
func (n *news) stopOne(ctx context.Context, b *bench, round int) error {
	r := n.replicas
	clusters := r.simulator.Estate.Clusters
	cluster := clusters[round%len(clusters)]
	guest, err := running(ctx, r.simulator, cluster.Name)
	if err != nil {
		return err
	}
	all := n.watch(fmt.Sprintf(`"id":"%s-%s-%d"`, cluster.Name, guest.Node, guest.VMID))
	began := time.Now()
	if err := r.simulator.Act(ctx, "stop", sim.Order{Cluster: cluster.Name, VMID: guest.VMID}); err != nil {
		return err
	}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-all:
	case err := <-n.failed:
		return err
	case <-limit.C:
		return fmt.Errorf("not every replica told that guest %d of %s stopped", guest.VMID, cluster.Name)
	case <-ctx.Done():
		return ctx.Err()
	}
	return n.report(ctx, b, cluster.Name, began)
}

// report adds what was measured. The commit that told of the stop is the last one of the target before the first client
// knew; who made it is known by it.
func (n *news) report(ctx context.Context, b *bench, cluster string, began time.Time) error {
	target, err := n.targetID(ctx, cluster)
	if err != nil {
		return err
	}
	reader, committed := -1, time.Time{}
	first := slices.MinFunc(n.learned, time.Time.Compare)
	for i, p := range n.replicas.replicas {
		if at := p.tap.wrote(target, first); at.After(committed) {
			reader, committed = i, at
		}
	}
	if committed.Before(began) {
		return fmt.Errorf("no replica committed that a guest of %s stopped", cluster)
	}
	scene := n.replicas.scene.name
	for i, at := range n.learned {
		what := "a guest stops to a client of the replica that reads it knows"
		if i != reader {
			what = "a guest stops to a client of another replica knows"
			b.results.add(scene, "a commit to a message of another replica", "ms", at.Sub(committed).Seconds()*1e3)
		}
		b.results.add(scene, what, "s", at.Sub(began).Seconds())
	}
	return nil
}

// targetID is the id of a target by its name.
func (n *news) targetID(ctx context.Context, name string) (string, error) {
	reply, err := n.replicas.replicas[0].Get(ctx, "/api/state")
	if err != nil {
		return "", err
	}
	var s state
	if err := reply.JSON(&s); err != nil {
		return "", err
	}
	for _, t := range s.Targets {
		if t.Name == name {
			return t.ID, nil
		}
	}
	return "", fmt.Errorf("no target is named %s", name)
}
