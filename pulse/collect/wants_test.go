package collect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

func stepsFor(tasks ...proxmox.Task) []step {
	var out []step
	for i := range tasks {
		out = append(out, step{&tasks[i], false})
		if !tasks[i].End.IsZero() {
			out = append(out, step{&tasks[i], true})
		}
	}
	return out
}

func TestTakeAndLocate(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "cluster-ok-resources"), start())
	at := start().Add(time.Second)
	d := draftOf(obs, "pve-0")
	failed := testTask("pve-a", "qmdestroy", 1101, at, time.Second)
	failed.Status = "unable to remove VM"
	ha := testTask("pve-c", "hastop", 1102, at, 0)
	ha.WorkerID = "vm:1102"
	w := d.take(stepsFor(
		testTask("pve-a", "qmstop", 1100, at, 0),
		testTask("pve-a", "qmigrate", 1100, at, time.Second),
		failed, ha,
		testTask("pve-b", "qmdestroy", 1104, at, time.Second),
		testTask("pve-a", "vzdump", 1200, at, time.Second),
		testTask("pve-a", "qmclone", 1101, at, time.Second),
		testTask("pve-b", "qmstart", 0, at, time.Second),
	), 0, at.Add(2*time.Second))
	require.True(t, w.cloned)
	require.Nil(t, findGuest(d.obs.Guests, 1104), "destroyed")
	require.NotNil(t, obs.Guest(1104))
	d.locate(&w, []proxmox.ResourceGuest{
		{Kind: proxmox.VM, VMID: 1100, Node: "pve-b"},
		{Kind: proxmox.VM, VMID: 1300, Node: "pve-c"},
		{Kind: proxmox.VM, VMID: 1101, Node: "pve-a"},
	})
	require.Equal(t, map[int]want{
		1100: {vmid: 1100, kind: estate.VM, node: "pve-b", ended: true, moved: true},
		1101: {vmid: 1101, kind: estate.VM, node: "pve-a", ended: true},
		1102: {vmid: 1102, kind: estate.VM, node: "pve-b"},
		1300: {vmid: 1300, kind: estate.VM, node: "pve-c", ended: true},
	}, w.byVMID)
}

func TestTakeCorrectsTheClock(t *testing.T) {
	t.Parallel()
	obs := observe(t, nil, recordedResources(t, "cluster-ok-resources"), start())
	d := draftOf(obs, "pve-0")
	ahead := time.Hour
	d.take(stepsFor(testTask("pve-b", "qmdestroy", 1104, start().Add(ahead), time.Second)), estate.Skew(ahead), start().Add(5*time.Second))
	gone, _ := d.notes.guestNotes()
	require.Equal(t, start().Add(time.Second), gone[1104].destroyed)
}

func TestChooseKeepsTheBounds(t *testing.T) {
	t.Parallel()
	w := wants{byVMID: map[int]want{}}
	for i := range 200 {
		w.byVMID[i+1] = want{vmid: i + 1, node: "n" + itoa(i%15), ended: i >= 150}
	}
	chosen := w.choose(func(one want) bool { return one.node != "n3" })
	require.Len(t, chosen, maxReadsPerLook)
	perNode := map[string]int{}
	for _, one := range chosen {
		perNode[one.node]++
		require.LessOrEqual(t, perNode[one.node], maxReadsPerNode)
		require.True(t, one.ended, "what changed for certain comes first")
		require.NotEqual(t, "n3", one.node)
	}
}
