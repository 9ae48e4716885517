package collect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

const (
	// taskWindow is how far back the mark tells one task from another. Older steps are never news.
	taskWindow = time.Hour
	// maxTasksSeen bounds what the mark keeps of tasks that are in the list no longer.
	maxTasksSeen = 1024
)

// step is the start or the end of a task.
type step struct {
	task  *proxmox.Task
	ended bool
}

// at is when the step happened, by the clock of the node that ran the task.
func (s step) at() time.Time {
	if s.ended {
		return s.task.End
	}
	return s.task.Start
}

// key names the step in a mark.
func (s step) key() string {
	if s.ended {
		return s.task.UPID + "+"
	}
	return s.task.UPID
}

// compareTo orders a key of a mark against a step, without building the step's own key.
func compareTo(key string, s step) int {
	upid, ended := strings.CutSuffix(key, "+")
	return compareEnds(upid, ended, s.task.UPID, s.ended)
}

func compareKeys(a, b string) int {
	x, endedX := strings.CutSuffix(a, "+")
	y, endedY := strings.CutSuffix(b, "+")
	return compareEnds(x, endedX, y, endedY)
}

// compareEnds orders by task, the start before the end.
func compareEnds(x string, endedX bool, y string, endedY bool) int {
	if c := strings.Compare(x, y); c != 0 || endedX == endedY {
		return c
	}
	if endedX {
		return 1
	}
	return -1
}

// follow compares a task list, in any order and with repetitions, with a mark. It returns the steps since, each exactly
// once and in the order of time, and the mark behind them. The first list only sets the mark. Tasks that seem to run on a
// node that is down are left over from before. Without news the mark is returned as it is.
func follow(
	mark estate.TaskMark, tasks []proxmox.Task, down func(node string) bool, now time.Time,
) ([]step, estate.TaskMark) {
	floor := mark.Since.Add(-taskWindow)
	var news []step
	for i := range tasks {
		t := &tasks[i]
		if t.End.IsZero() && down(t.Node) {
			continue
		}
		for _, s := range [...]step{{t, false}, {t, true}} {
			if !s.at().IsZero() && !s.at().Before(floor) && !isSeen(mark.Seen, s) {
				news = append(news, s)
			}
		}
	}
	if mark.Since.IsZero() {
		return nil, advanceMark(estate.TaskMark{Since: now.Add(-taskWindow)}, tasks, news, now)
	}
	if len(news) == 0 {
		return nil, mark
	}
	slices.SortFunc(news, compareSteps)
	news = slices.CompactFunc(news, func(a, b step) bool { return a.ended == b.ended && a.task.UPID == b.task.UPID })
	return news, advanceMark(mark, tasks, news, now)
}

// compareSteps orders by time. Within one second a destruction comes first, since a VMID in use cannot be created.
func compareSteps(a, b step) int {
	return cmp.Or(
		a.at().Compare(b.at()),
		rank(a)-rank(b),
		strings.Compare(a.task.UPID, b.task.UPID),
	)
}

func rank(s step) int {
	destroys := actionOf(s.task.Kind) == actionDestroy
	switch {
	case destroys && !s.ended:
		return 0
	case destroys:
		return 1
	case !s.ended:
		return 2
	default:
		return 3
	}
}

func isSeen(seen []string, s step) bool {
	_, ok := slices.BinarySearchFunc(seen, s, compareTo)
	return ok
}

// advanceMark adds steps to a mark and forgets what lies too far back to be mistaken for news. Clocks that run ahead of
// now do not move the mark, or all others would seem old.
func advanceMark(mark estate.TaskMark, tasks []proxmox.Task, news []step, now time.Time) estate.TaskMark {
	next := estate.TaskMark{Since: mark.Since}
	for _, s := range news {
		if at := s.at(); at.After(next.Since) && !at.After(now) {
			next.Since = at
		}
	}
	floor := next.Since.Add(-taskWindow)
	for _, s := range news {
		if !s.at().Before(floor) {
			next.Seen = append(next.Seen, s.key())
		}
	}
	for i := range tasks {
		for _, s := range [...]step{{&tasks[i], false}, {&tasks[i], true}} {
			if !s.at().IsZero() && !s.at().Before(floor) && isSeen(mark.Seen, s) {
				next.Seen = append(next.Seen, s.key())
			}
		}
	}
	next.Seen = append(next.Seen, unlisted(mark.Seen, tasks, floor, now)...)
	slices.SortFunc(next.Seen, compareKeys)
	next.Seen = slices.Compact(next.Seen)
	return next
}

// unlisted returns the keys of a mark whose tasks the list does not hold at the moment but may hold again: a node's part
// of the list is missing while its member restarts.
func unlisted(seen []string, tasks []proxmox.Task, floor, now time.Time) []string {
	listed := make(map[string]bool, len(tasks))
	for i := range tasks {
		listed[tasks[i].UPID] = true
	}
	type dated struct {
		key string
		at  time.Time
	}
	var kept []dated
	for _, key := range seen {
		upid := strings.TrimSuffix(key, "+")
		if listed[upid] {
			continue
		}
		if parsed, err := proxmox.ParseUPID(upid); err == nil && !parsed.Start.Before(floor) && !parsed.Start.After(now) {
			kept = append(kept, dated{key, parsed.Start})
		}
	}
	slices.SortFunc(kept, func(a, b dated) int { return b.at.Compare(a.at) })
	keys := make([]string, 0, min(len(kept), maxTasksSeen))
	for _, k := range kept[:min(len(kept), maxTasksSeen)] {
		keys = append(keys, k.key)
	}
	return keys
}
