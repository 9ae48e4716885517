package proxmox

// decodeGuestStatus reads status/current of either kind; the reply of a VM does not say which it is.
func decodeGuestStatus(s *scanner, kind GuestKind) GuestStatus {
	g := GuestStatus{Kind: kind}
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "vmid":
			g.VMID = int(s.count().Value)
		case "name":
			g.Name = s.text()
		case "status":
			g.Status = s.text()
		case "qmpstatus":
			g.QMPStatus = s.text()
		case "lock":
			g.Lock = s.text()
		case "tags":
			g.Tags = s.text()
		case "template":
			g.Template = s.flag().Value
		case "agent":
			g.AgentEnabled = s.flag().Value
		case "cpus":
			g.CPUs = s.share()
		case "uptime":
			g.UptimeSeconds = s.count()
		case "ha":
			g.HAManaged, g.HAState = s.guestHA()
		case "ballooninfo":
			g.Balloon = s.balloon()
		default:
			g.readSize(name, s)
		}
	}
	if kind == VM {
		g.DiskBytes = nonZero(g.DiskBytes)
	}
	return g
}

func (g *GuestStatus) readSize(name []byte, s *scanner) {
	switch string(name) {
	case "mem":
		g.MemBytes = s.count()
	case "maxmem":
		g.MaxMemBytes = s.count()
	case "memhost":
		g.MemHostBytes = s.count()
	case "swap":
		g.SwapBytes = s.count()
	case "maxswap":
		g.MaxSwapBytes = s.count()
	case "disk":
		g.DiskBytes = s.count()
	case "maxdisk":
		g.MaxDiskBytes = s.count()
	case "netin":
		g.NetInBytes = s.count()
	case "netout":
		g.NetOutBytes = s.count()
	case "diskread":
		g.DiskReadBytes = s.count()
	case "diskwrite":
		g.DiskWriteBytes = s.count()
	default:
		s.skip()
	}
}

func (s *scanner) guestHA() (managed bool, state string) {
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "managed":
			managed = s.flag().Value
		case "state":
			state = s.text()
		default:
			s.skip()
		}
	}
	return managed, state
}

func (s *scanner) balloon() Balloon {
	b := Balloon{Present: s.peek() == '{'}
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "actual":
			b.ActualBytes = s.count()
		case "max_mem":
			b.MaxBytes = s.count()
		case "total_mem":
			b.TotalBytes = s.count()
		case "free_mem":
			b.FreeBytes = s.count()
		case "last_update":
			b.LastUpdate = s.instant()
		default:
			s.skip()
		}
	}
	return b
}

// decodeFilesystems reads what the guest agent answered, which is wrapped once more. An agent that cannot answer says
// so inside a reply of status 200; failure is then what it said.
func decodeFilesystems(s *scanner) (out []Filesystem, failure string) {
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		if string(name) != "result" {
			s.skip()
			continue
		}
		if s.peek() == '{' {
			failure = s.agentError()
			continue
		}
		if !s.array() {
			continue
		}
		for s.nextRow() {
			out = append(out, s.filesystem())
		}
	}
	return out, failure
}

// agentError reads {"error": {"class": ..., "desc": ...}}.
func (s *scanner) agentError() string {
	failure := "the guest agent gave no result"
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		if string(name) != "error" {
			s.skip()
			continue
		}
		if text := s.textField("desc"); text != "" {
			failure = text
		}
	}
	return failure
}

func (s *scanner) filesystem() Filesystem {
	var f Filesystem
	for name, ok := s.field(); ok; name, ok = s.field() {
		switch string(name) {
		case "name":
			f.Name = s.text()
		case "mountpoint":
			f.Mountpoint = s.text()
		case "type":
			f.Type = s.text()
		case "total-bytes":
			f.TotalBytes = s.count()
		case "used-bytes":
			f.UsedBytes = s.count()
		case "total-bytes-privileged":
			f.PrivilegedTotalBytes = s.count()
		case "disk":
			f.Devices = s.devices()
		default:
			s.skip()
		}
	}
	return f
}

func (s *scanner) devices() []string {
	if !s.array() {
		return nil
	}
	var out []string
	for s.element() {
		if dev := s.textField("dev"); dev != "" {
			out = append(out, dev)
		}
	}
	return out
}
