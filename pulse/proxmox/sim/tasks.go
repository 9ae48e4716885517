package sim

import (
	"fmt"
	"slices"
	"time"
)

// keptTasks is how many finished tasks a node's index keeps, broadcastTasks how
// many of them /cluster/tasks shows.
const (
	keptTasks      = 1000
	broadcastTasks = 25
)

// task is one worker process of a node.
type task struct {
	node, kind, id string
	user, token    string // token is the id after "!", "" without
	pid            uint32
	pstart         uint32
	start          time.Time
	due            time.Time // when it ends
	end            time.Time // zero while it runs
	status         string    // as told once it ended
	log            []string
	done           func(now time.Time) // what the end changes; may be nil
}

// upid is the task's unique id.
func (t *task) upid() string {
	return fmt.Sprintf("UPID:%s:%08X:%08X:%08X:%s:%s:%s:", t.node, t.pid, t.pstart, t.start.Unix(), t.kind, t.id, t.owner())
}

// owner is the user with the token it used.
func (t *task) owner() string {
	if t.token == "" {
		return t.user
	}
	return t.user + "!" + t.token
}

// lines is the task's log so far.
func (t *task) lines() []string {
	switch {
	case t.end.IsZero():
		return t.log
	case t.status == "OK":
		return append(slices.Clone(t.log), "TASK OK")
	}
	return append(slices.Clone(t.log), "TASK ERROR: "+t.status)
}

// begin starts a task that runs for the configured time. The caller holds mu
// and has advanced the cluster to now.
func (c *cluster) begin(n *node, t *task, now time.Time) *task {
	n.lastPID++
	t.node, t.pid, t.start = n.name, n.lastPID, now
	t.pstart = uint32(max(now.Sub(n.booted)/(10*time.Millisecond), 0))
	t.due = now.Add(c.cfg.TaskDuration)
	if t.status == "" {
		t.status = "OK"
	}
	n.tasks = slices.Insert(n.tasks, 0, t)
	c.running = append(c.running, t)
	c.finishTasks(now)
	return t
}

// finishTasks ends the tasks that are due, in order of their end. A task on a
// node without power stays as it was.
func (c *cluster) finishTasks(now time.Time) {
	if len(c.running) == 0 {
		return
	}
	slices.SortStableFunc(c.running, func(a, b *task) int { return a.due.Compare(b.due) })
	kept := c.running[:0]
	for _, t := range c.running {
		n := c.node(t.node)
		if t.due.After(now) || n.off {
			kept = append(kept, t)
			continue
		}
		t.end = t.due
		if t.done != nil {
			t.done(t.due)
		}
		n.trimTasks()
	}
	c.running = kept
}

// trimTasks forgets the oldest finished tasks.
func (n *node) trimTasks() {
	if len(n.tasks) > keptTasks {
		n.tasks = slices.Delete(n.tasks, keptTasks, len(n.tasks))
	}
}

// broadcast is the node's part of /cluster/tasks: all that run and, together
// with them, up to 25.
func (n *node) broadcast() []*task {
	var out []*task
	finished := broadcastTasks
	for _, t := range n.tasks {
		if t.end.IsZero() {
			out = append(out, t)
			finished--
		}
	}
	for _, t := range n.tasks {
		if finished <= 0 {
			break
		}
		if !t.end.IsZero() {
			out = append(out, t)
			finished--
		}
	}
	return out
}
