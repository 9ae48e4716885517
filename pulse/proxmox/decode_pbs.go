package proxmox

import (
	"strings"
	"time"
)

func decodeDatastoreUsage(s *scanner) []DatastoreUsage {
	var out []DatastoreUsage
	s.array()
	for s.nextRow() {
		var d DatastoreUsage
		for name, ok := s.field(); ok; name, ok = s.field() {
			d.read(name, s)
		}
		out = append(out, d)
	}
	return out
}

func (d *DatastoreUsage) read(name []byte, s *scanner) {
	switch string(name) {
	case "store":
		d.Name = s.text()
	case "total":
		d.TotalBytes = s.count()
	case "used":
		d.UsedBytes = s.count()
	case "avail":
		d.AvailableBytes = s.count()
	case "mount-status":
		d.MountStatus = s.text()
	case "backend-type":
		d.Backend = s.text()
	case "error":
		d.Error = s.text()
	case "estimated-full-date":
		d.EstimatedFull = s.instant()
	case "history-start":
		d.HistoryStart = s.instant()
	case "history-delta":
		d.HistoryStep = seconds(s.count())
	case "history":
		d.History = s.shares()
	case "gc-status":
		d.GC = s.garbageCollection()
	default:
		s.skip()
	}
}

// seconds turns a number of seconds into a duration; absurd ones into zero.
func seconds(n Opt[int64]) time.Duration {
	const century = 100 * 366 * 24 * 3600
	if n.Value > century {
		return 0
	}
	return time.Duration(n.Value) * time.Second
}

func (s *scanner) shares() []Opt[float64] {
	if !s.array() {
		return nil
	}
	var out []Opt[float64]
	for s.element() {
		out = append(out, s.share())
	}
	return out
}

func (s *scanner) garbageCollection() GarbageCollection {
	g := GarbageCollection{Known: s.peek() == '{'}
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "upid":
			g.UPID = s.text()
		case "index-data-bytes":
			g.IndexDataBytes = s.count()
		case "disk-bytes":
			g.DiskBytes = s.count()
		case "disk-chunks":
			g.DiskChunks = s.count()
		case "removed-bytes":
			g.RemovedBytes = s.count()
		case "pending-bytes":
			g.PendingBytes = s.count()
		case "removed-bad":
			g.RemovedBad = s.count()
		case "still-bad":
			g.StillBad = s.count()
		default:
			s.skip()
		}
	}
	return g
}

func decodeDatastores(s *scanner) []Datastore {
	var out []Datastore
	s.array()
	for s.nextRow() {
		var d Datastore
		for name, ok := s.field(); ok; name, ok = s.field() {
			switch string(name) {
			case "store":
				d.Name = s.text()
			case "comment":
				d.Comment = s.text()
			case "maintenance":
				d.MaintenanceMode, d.MaintenanceMessage = maintenance(s.text())
			case "mount-status":
				d.MountStatus = s.text()
			case "backend-type":
				d.Backend = s.text()
			default:
				s.skip()
			}
		}
		out = append(out, d)
	}
	return out
}

// maintenance reads the property text "type=read-only,message=moving disks", where the type's name may be left out and
// a message in quotes may hold commas.
func maintenance(text string) (mode, message string) {
	mode, rest, _ := strings.Cut(text, ",")
	mode = strings.TrimPrefix(mode, "type=")
	message = strings.TrimPrefix(rest, "message=")
	if len(message) >= 2 && message[0] == '"' && message[len(message)-1] == '"' {
		message = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(message[1 : len(message)-1])
	}
	return mode, message
}

func decodeNamespaces(s *scanner) []Namespace {
	var out []Namespace
	s.array()
	for s.nextRow() {
		var n Namespace
		for name, ok := s.field(); ok; name, ok = s.field() {
			switch string(name) {
			case "ns":
				n.Path = s.text()
			case "comment":
				n.Comment = s.text()
			default:
				s.skip()
			}
		}
		out = append(out, n)
	}
	return out
}
