package proxmox

import "strings"

func decodeNodeStatus(s *scanner) NodeStatus {
	var n NodeStatus
	var kernel string
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "uptime":
			n.UptimeSeconds = s.count()
		case "loadavg":
			n.Load1, n.Load5, n.Load15 = s.loads()
		case "cpuinfo":
			n.CPU = s.cpuModel()
		case "memory":
			n.Memory = s.memoryUse()
		case "swap":
			n.Swap = s.memoryUse()
		case "rootfs":
			n.RootFS = s.filesystemUse()
		case "current-kernel":
			n.KernelRelease = s.textField("release")
		case "kversion":
			kernel = s.text()
		case "pveversion":
			n.PVEVersion = packageVersion(s.text())
		case "ksm":
			n.KSMSharedBytes = s.countField("shared")
		default:
			s.skip()
		}
	}
	if n.KernelRelease == "" {
		n.KernelRelease = kernelRelease(kernel)
	}
	return n
}

func decodeHostStatus(s *scanner) HostStatus {
	var h HostStatus
	var kernel string
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "uptime":
			h.UptimeSeconds = s.count()
		case "cpu":
			h.CPUFraction = s.share()
		case "wait":
			h.WaitFraction = s.share()
		case "loadavg":
			h.Load1, h.Load5, h.Load15 = s.loads()
		case "cpuinfo":
			h.CPU = s.cpuModel()
		case "memory":
			h.Memory = s.memoryUse()
		case "swap":
			h.Swap = s.memoryUse()
		case "root":
			h.RootFS = s.filesystemUse()
		case "current-kernel":
			h.KernelRelease = s.textField("release")
		case "kversion":
			kernel = s.text()
		case "info":
			if fp, err := ParseFingerprint(s.textField("fingerprint")); err == nil {
				h.Fingerprint = fp
			}
		default:
			s.skip()
		}
	}
	if h.KernelRelease == "" {
		h.KernelRelease = kernelRelease(kernel)
	}
	return h
}

// loads reads the three load averages, which PVE prints as strings.
func (s *scanner) loads() (one, five, fifteen Opt[float64]) {
	var all [3]Opt[float64]
	if s.array() {
		for i := 0; s.element(); i++ {
			if f := s.share(); i < len(all) {
				all[i] = f
			}
		}
	}
	return all[0], all[1], all[2]
}

func (s *scanner) cpuModel() CPUModel {
	var c CPUModel
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "model":
			c.Model = s.text()
		case "sockets":
			c.Sockets = s.count()
		case "cores":
			c.Cores = s.count()
		case "cpus":
			c.Logical = s.count()
		case "mhz":
			c.MHz = s.share()
		default:
			s.skip()
		}
	}
	return c
}

func (s *scanner) memoryUse() MemoryUse {
	var m MemoryUse
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "total":
			m.TotalBytes = s.count()
		case "used":
			m.UsedBytes = s.count()
		case "free":
			m.FreeBytes = s.count()
		case "available":
			m.AvailableBytes = s.count()
		default:
			s.skip()
		}
	}
	return m
}

func (s *scanner) filesystemUse() FilesystemUse {
	var f FilesystemUse
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "total":
			f.TotalBytes = s.count()
		case "used":
			f.UsedBytes = s.count()
		case "avail":
			f.AvailableBytes = s.count()
		default:
			s.skip()
		}
	}
	return f
}

// textField reads one field of an object and skips the others.
func (s *scanner) textField(want string) string {
	var out string
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		if string(name) == want {
			out = s.text()
			continue
		}
		s.skip()
	}
	return out
}

// countField reads one number of an object and skips the others.
func (s *scanner) countField(want string) Opt[int64] {
	var out Opt[int64]
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		if string(name) == want {
			out = s.count()
			continue
		}
		s.skip()
	}
	return out
}

// packageVersion reads "9.2.11" out of "pve-manager/9.2.11/14a22df35955d97d".
func packageVersion(text string) string {
	parts := strings.Split(text, "/")
	if len(parts) < 2 {
		return text
	}
	return parts[1]
}

// kernelRelease reads "6.17.2-1-pve" out of "Linux 6.17.2-1-pve #1 SMP …".
func kernelRelease(text string) string {
	words := strings.Fields(text)
	if len(words) >= 2 && words[0] == "Linux" {
		return words[1]
	}
	return text
}
