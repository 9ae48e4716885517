package collect

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// applyMounts takes over what a VM's agent says about its file systems.
func (d *draft) applyMounts(o *outcome) {
	g := d.guest(o.vmid)
	if g == nil {
		return
	}
	d.notes.drop(guestNote(noteAgent, o.vmid))
	systems := &estate.Filesystems{At: o.at}
	for _, m := range o.mounts {
		systems.List = append(systems.List, estate.Filesystem{
			Mountpoint: m.Mountpoint, Type: m.Type, Device: m.Name,
			UsedBytes: amount(m.UsedBytes), TotalBytes: capacity(m.TotalBytes),
		})
	}
	if len(systems.List) == 0 {
		systems.Reason = "the guest agent knows of no file systems"
	}
	g.Filesystems = systems
	g.DiskUsedBytes = estate.Opt[int64]{}
	if used, total, ok := sumMounts(systems.List); ok {
		g.DiskUsedBytes, g.DiskTotalBytes = estate.Some(used), estate.Some(total)
	}
}

// sumMounts adds up file systems, each device once: bind mounts show the same one again. Images that are full by nature
// (snaps, CDs) do not count, nor what has no size.
func sumMounts(list []estate.Filesystem) (used, total int64, ok bool) {
	seen := make(map[string]bool, len(list))
	for _, m := range list {
		size, sized := m.TotalBytes.Get()
		use, known := m.UsedBytes.Get()
		if !sized || !known || isImage(m.Type) {
			continue
		}
		device := m.Device
		if device == "" {
			device = m.Mountpoint
		}
		if seen[device] || total+size < total || used+use < used {
			continue
		}
		seen[device] = true
		used, total, ok = used+use, total+size, true
	}
	return used, total, ok
}

func isImage(kind string) bool {
	switch strings.ToLower(kind) {
	case "squashfs", "iso9660", "udf", "cdfs", "erofs":
		return true
	}
	return false
}

// applyMountsFailure records that an agent did not tell. What it told before stays through a first failure; after a
// second one it no longer counts.
func (d *draft) applyMountsFailure(o *outcome, now time.Time) {
	g := d.guest(o.vmid)
	if g == nil {
		return
	}
	note := guestNote(noteAgent, o.vmid)
	again := d.notes.has(note)
	if !again {
		d.notes.set(note, now)
		if g.Filesystems != nil && len(g.Filesystems.List) > 0 {
			return
		}
	}
	g.Filesystems = &estate.Filesystems{At: now, Reason: agentReason(o.err)}
	g.DiskUsedBytes = estate.Opt[int64]{}
}

// agentReason says in words why an agent told nothing.
func agentReason(err error) string {
	var failed *proxmox.Error
	switch {
	case errors.Is(err, proxmox.ErrTimeout), errors.Is(err, proxmox.ErrNodeHung), errors.Is(err, context.DeadlineExceeded):
		return "the guest agent did not answer in time"
	case errors.Is(err, proxmox.ErrForbidden):
		return "the credentials may not ask the guest agent"
	case errors.As(err, &failed) && strings.Contains(failed.Message, "not running"):
		return "the guest agent is not running"
	case errors.As(err, &failed) && strings.Contains(failed.Message, "No QEMU guest agent configured"):
		return reasonAgentOff
	}
	return "the guest agent could not be asked"
}
