package proxmox

import "time"

// GuestStatus is the reply of PVE "GET /nodes/{node}/{kind}/{vmid}/status/current". Its cpu share is left out: it is
// measured between two calls that happened to reach the same server process. Take it from [Client.Resources].
type GuestStatus struct {
	Kind GuestKind
	VMID int
	Name string
	// Status is "running" or "stopped".
	Status string
	// QMPStatus is a VM's finer state, such as "paused" or "io-error"; empty for containers.
	QMPStatus string
	Lock      string
	// Tags are separated by ";".
	Tags     string
	Template bool
	// HAManaged tells that the HA manager looks after the guest; HAState is then its state.
	HAManaged bool
	HAState   string
	// AgentEnabled tells that the configuration of a VM switches the guest agent on, not that it answers.
	AgentEnabled bool
	// CPUs can be a fraction for a container with a limit only.
	CPUs          Opt[float64]
	UptimeSeconds Opt[int64]
	// MemBytes is as in [ResourceGuest.MemBytes]; Balloon tells which it is.
	MemBytes     Opt[int64]
	MaxMemBytes  Opt[int64]
	MemHostBytes Opt[int64]
	// SwapBytes and MaxSwapBytes are of containers.
	SwapBytes    Opt[int64]
	MaxSwapBytes Opt[int64]
	// DiskBytes is unknown for VMs.
	DiskBytes      Opt[int64]
	MaxDiskBytes   Opt[int64]
	NetInBytes     Opt[int64]
	NetOutBytes    Opt[int64]
	DiskReadBytes  Opt[int64]
	DiskWriteBytes Opt[int64]
	Balloon        Balloon
}

// Balloon is what a VM's balloon device says. Only with FreeBytes known is the VM's memory use measured inside the
// guest; otherwise it is the host's view.
type Balloon struct {
	// Present tells that the reply had the device's figures at all.
	Present bool
	// ActualBytes is the memory the guest has now, MaxBytes the most it may have.
	ActualBytes Opt[int64]
	MaxBytes    Opt[int64]
	// TotalBytes and FreeBytes are as the guest's driver sees them; free excludes page cache.
	TotalBytes Opt[int64]
	FreeBytes  Opt[int64]
	// LastUpdate is when the driver last reported, in UTC; half a minute ago means that it hangs. Zero when absent.
	LastUpdate time.Time
}

// Filesystem is one mount inside a VM, from the guest agent's get-fsinfo. Several mounts can share a device, so sum
// by device.
type Filesystem struct {
	// Name is the block device or, on Windows, the volume.
	Name string
	// Mountpoint is a path, a drive letter, or a volume path without one.
	Mountpoint string
	// Type is such as "ext4", "NTFS" or "squashfs".
	Type string
	// TotalBytes and UsedBytes are unknown for network mounts.
	TotalBytes Opt[int64]
	UsedBytes  Opt[int64]
	// PrivilegedTotalBytes includes what is reserved for root.
	PrivilegedTotalBytes Opt[int64]
	// Devices are the paths of the disks below, such as "/dev/sda1"; empty when the agent does not say.
	Devices []string
}
