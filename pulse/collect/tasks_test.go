package collect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

func allUp(string) bool { return false }

func testTask(node, kind string, id int, begin time.Time, took time.Duration) proxmox.Task {
	t := proxmox.Task{
		UPID: fmt.Sprintf("UPID:%s:%08X:%08X:%08X:%s:%d:root@pam:", node, begin.Nanosecond()+id, id, begin.Unix(), kind, id),
		Node: node, Kind: kind, WorkerID: itoa(id), User: "root@pam", Start: begin,
	}
	if took > 0 {
		t.End, t.Status = begin.Add(took), "OK"
	}
	return t
}

func keysOf(steps []step) []string {
	out := make([]string, 0, len(steps))
	for _, s := range steps {
		out = append(out, s.key())
	}
	return out
}

func TestFollowFirstListOnlySetsTheMark(t *testing.T) {
	t.Parallel()
	now := start()
	list := []proxmox.Task{testTask("a", "qmstart", 1, now.Add(-time.Minute), time.Second)}
	steps, mark := follow(estate.TaskMark{}, list, allUp, now)
	require.Empty(t, steps)
	require.Len(t, mark.Seen, 2)
	steps, again := follow(mark, list, allUp, now.Add(time.Second))
	require.Nil(t, steps)
	require.Equal(t, mark, again)

	_, mark = follow(estate.TaskMark{}, nil, allUp, now)
	require.False(t, mark.Since.IsZero(), "an empty list counts as looked at")
	steps, _ = follow(mark, list, allUp, now)
	require.Len(t, steps, 2)
}

func TestFollowTellsStartAndEndOnce(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	running := testTask("a", "qmstop", 7, now.Add(time.Second), 0)
	steps, mark := follow(mark, []proxmox.Task{running, running}, allUp, now.Add(2*time.Second))
	require.Equal(t, []string{running.UPID}, keysOf(steps))
	ended := running
	ended.End, ended.Status = now.Add(3*time.Second), "OK"
	steps, mark = follow(mark, []proxmox.Task{ended}, allUp, now.Add(4*time.Second))
	require.Equal(t, []string{running.UPID + "+"}, keysOf(steps))
	require.True(t, steps[0].ended)
	steps, _ = follow(mark, []proxmox.Task{ended}, allUp, now.Add(6*time.Second))
	require.Empty(t, steps)
}

func TestFollowIgnoresTasksThatSeemToRunOnADeadNode(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	list := []proxmox.Task{testTask("dead", "qmstart", 1, now, 0), testTask("dead", "qmstop", 2, now, time.Second)}
	steps, _ := follow(mark, list, func(node string) bool { return node == "dead" }, now.Add(time.Second))
	require.Equal(t, []string{list[1].UPID, list[1].UPID + "+"}, keysOf(steps))
}

func TestFollowSurvivesAMissingPartOfTheList(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	a := testTask("a", "qmstart", 1, now.Add(time.Second), time.Second)
	b := testTask("b", "qmstart", 2, now.Add(time.Second), time.Second)
	_, mark = follow(mark, []proxmox.Task{a, b}, allUp, now.Add(3*time.Second))
	c := testTask("a", "qmstop", 1, now.Add(4*time.Second), time.Second)
	steps, mark := follow(mark, []proxmox.Task{a, c}, allUp, now.Add(6*time.Second))
	require.Len(t, steps, 2)
	steps, _ = follow(mark, []proxmox.Task{a, b, c}, allUp, now.Add(8*time.Second))
	require.Empty(t, steps, "the tasks of b were dealt with")
}

func TestFollowIsNotMovedByAClockAhead(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	ahead := testTask("a", "qmstart", 1, now.AddDate(1, 0, 0), time.Second)
	steps, mark := follow(mark, []proxmox.Task{ahead}, allUp, now)
	require.Len(t, steps, 2)
	steps, mark = follow(mark, []proxmox.Task{ahead, testTask("b", "qmstop", 2, now, time.Second)}, allUp, now.Add(2*time.Second))
	require.Len(t, steps, 2)
	steps, _ = follow(mark, []proxmox.Task{ahead}, allUp, now.Add(4*time.Second))
	require.Empty(t, steps)
}

func TestFollowOrdersByTimeDestructionFirst(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	destroy := testTask("z", "qmdestroy", 5, now, time.Second)
	create := testTask("a", "qmcreate", 5, now.Add(time.Second), time.Second)
	steps, _ := follow(mark, []proxmox.Task{create, destroy}, allUp, now.Add(5*time.Second))
	require.Equal(t, []string{destroy.UPID, destroy.UPID + "+", create.UPID, create.UPID + "+"}, keysOf(steps))
}

// A list is looked at while tasks begin and end, in any order and with repetitions; the mark travels as JSON in between.
func TestFollowTellsEachStepExactlyOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := start()
		_, mark := follow(estate.TaskMark{}, nil, allUp, now)
		var tasks []proxmox.Task
		told := map[string]int{}
		want := map[string]bool{}
		for range rapid.IntRange(1, 15).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "gap")) * time.Second)
			for range rapid.IntRange(0, 4).Draw(t, "begin") {
				one := testTask(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "node"), "qmstart", len(tasks), now.Add(-time.Second), 0)
				tasks = append(tasks, one)
				want[one.UPID] = true
			}
			for i := range tasks {
				if tasks[i].End.IsZero() && rapid.IntRange(0, 2).Draw(t, "ends") == 0 {
					tasks[i].End, tasks[i].Status = now, "OK"
					want[tasks[i].UPID+"+"] = true
				}
			}
			list := append(slices.Clone(tasks), tasks[:len(tasks)/2]...)
			list = rapid.Permutation(list).Draw(t, "order")
			steps, next := follow(mark, list, allUp, now)
			for _, key := range keysOf(steps) {
				told[key]++
			}
			text, err := json.Marshal(next)
			require.NoError(t, err)
			mark = estate.TaskMark{}
			require.NoError(t, json.Unmarshal(text, &mark))
		}
		require.Len(t, told, len(want))
		for key, n := range told {
			require.Equal(t, 1, n, key)
		}
	})
}

func TestMarkIsBounded(t *testing.T) {
	t.Parallel()
	now := start()
	_, mark := follow(estate.TaskMark{}, nil, allUp, now)
	const batch = 300
	for round := range 10 {
		var list []proxmox.Task
		for i := range batch {
			list = append(list, testTask("a", "qmstart", round*batch+i, now, time.Second))
		}
		_, mark = follow(mark, list, allUp, now.Add(time.Second))
	}
	require.LessOrEqual(t, len(mark.Seen), maxTasksSeen+2*batch)
}

func FuzzFollow(f *testing.F) {
	f.Add("UPID:a:1:2:6B0494D3:qmstart:100:root@pam:", "a", "qmstart", "100", int64(1795462355), int64(0), "", int64(1795462360))
	f.Add("UPID:a+", "", "vzdestroy", "ct:7", int64(5), int64(4), "OK", int64(0))
	f.Add("+", "x", "hamigrate", "vm:1", int64(-1), int64(1<<40), "WARNINGS: 1", int64(1795462360))
	f.Fuzz(func(t *testing.T, upid, node, kind, id string, begin, end int64, status string, at int64) {
		one := proxmox.Task{UPID: upid, Node: node, Kind: kind, WorkerID: id, Status: status}
		if begin != 0 {
			one.Start = time.Unix(begin, 0).UTC()
		}
		if end != 0 {
			one.End = time.Unix(end, 0).UTC()
		}
		now := time.Unix(at, 0).UTC()
		_, mark := follow(estate.TaskMark{}, nil, allUp, now)
		other := testTask("n", "qmdestroy", 100, now, time.Second)
		list := []proxmox.Task{one, other, one}
		steps, mark := follow(mark, list, allUp, now)
		require.True(t, slices.IsSortedFunc(mark.Seen, compareKeys))
		d := draftOf(&estate.Observation{Guests: []estate.Guest{{VMID: 100, Kind: estate.VM, Status: "running"}}}, "pve-0")
		w := d.take(steps, 0, now)
		for vmid := range w.byVMID {
			require.Positive(t, vmid)
		}
		again, _ := follow(mark, list, allUp, now)
		if !strings.HasSuffix(upid, "+") { // no UPID of Proxmox does
			require.Empty(t, again)
		}
	})
}
