package collect

import (
	"cmp"
	"slices"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// The most guests that one look at the task list reads.
const (
	maxReadsPerNode = 2
	maxReadsPerLook = 20
)

// want is a guest to be read because a task concerned it.
type want struct {
	vmid  int
	kind  estate.GuestKind
	node  string
	ended bool // its task ended, so that it has changed for certain
	moved bool // it is on another node now
}

// wants are the guests that the steps of tasks ask to read.
type wants struct {
	byVMID map[int]want
	cloned bool // a guest appeared that no task names
}

// take goes through the steps in order: destroyed guests are taken out of the draft at once, others are noted for reading.
// skew is how far the cluster's clock is ahead, now when the list was read.
func (d *draft) take(steps []step, skew estate.Skew, now time.Time) wants {
	w := wants{byVMID: make(map[int]want)}
	for _, s := range steps {
		act, vmid := actionOf(s.task.Kind), vmidOf(s.task.WorkerID)
		if act == actionNone || vmid == 0 {
			continue
		}
		at := s.at().Add(-time.Duration(skew))
		if at.After(now) {
			at = now
		}
		good := s.ended && succeeded(s.task)
		switch {
		case act == actionDestroy && good:
			d.destroyGuest(vmid, at)
			delete(w.byVMID, vmid)
		case act == actionCreate && !s.ended:
			d.expectGuest(vmid, at)
		case act == actionDestroy && !s.ended, act == actionClone && !s.ended:
			// Nothing shows before the end.
		default:
			w.cloned = w.cloned || act == actionClone && good
			d.want(&w, s, vmid, act == actionMigrate && good)
		}
	}
	return w
}

func succeeded(t *proxmox.Task) bool {
	outcome := t.Outcome()
	return outcome == proxmox.OutcomeOK || outcome == proxmox.OutcomeWarning
}

func (d *draft) want(w *wants, s step, vmid int, moved bool) {
	one := want{vmid: vmid, kind: kindOf(s.task.Kind), node: s.task.Node, ended: s.ended, moved: moved}
	if last := findGuest(d.obs.Guests, vmid); last != nil && one.kind == "" {
		one.kind, one.node = last.Kind, last.Node
	}
	if one.kind == "" {
		return
	}
	if before, ok := w.byVMID[vmid]; ok {
		one.ended = one.ended || before.ended
		one.moved = one.moved || before.moved
	}
	w.byVMID[vmid] = one
}

// locate completes the wants from the cluster's table, which knows at once where each guest is: guests that moved, and
// guests that nobody has seen yet.
func (d *draft) locate(w *wants, rows []proxmox.ResourceGuest) {
	for i := range rows {
		row := &rows[i]
		one, ok := w.byVMID[row.VMID]
		switch {
		case ok && one.moved:
			one.node, one.kind = row.Node, estate.GuestKind(row.Kind)
			w.byVMID[row.VMID] = one
		case !ok && w.cloned && findGuest(d.obs.Guests, row.VMID) == nil:
			w.byVMID[row.VMID] = want{
				vmid: row.VMID, kind: estate.GuestKind(row.Kind), node: row.Node, ended: true,
			}
		}
	}
}

// choose picks what to read, what changed for certain first, within the bounds. The next pass shows the rest.
func (w *wants) choose(allowed func(want) bool) []want {
	all := make([]want, 0, len(w.byVMID))
	for _, one := range w.byVMID {
		if allowed(one) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b want) int {
		if a.ended != b.ended {
			if a.ended {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.vmid, b.vmid)
	})
	perNode := make(map[string]int)
	chosen := all[:0]
	for _, one := range all {
		if perNode[one.node] >= maxReadsPerNode || len(chosen) == maxReadsPerLook {
			continue
		}
		perNode[one.node]++
		chosen = append(chosen, one)
	}
	return chosen
}
