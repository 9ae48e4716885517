package proxmox

import (
	"slices"
	"strings"
)

func decodeVersion(s *scanner) Version {
	var v Version
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "version":
			v.Version = s.text()
		case "release":
			v.Release = s.text()
		case "repoid":
			v.RepoID = s.text()
		default:
			s.skip()
		}
	}
	return v
}

func decodePermissions(s *scanner) Permissions {
	out := Permissions{}
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		path := string(name)
		rights := map[string]bool{}
		if s.object() {
			for name, ok := s.field(); ok; name, ok = s.field() {
				privilege := string(name)
				rights[privilege] = s.flag().Value
			}
		}
		out[path] = rights
	}
	return out
}

func decodeClusterStatus(s *scanner) ClusterStatus {
	var out ClusterStatus
	s.array()
	for s.nextRow() {
		var kind, name string
		var quorate Opt[bool]
		var m ClusterMember
		for field, ok := s.field(); ok; field, ok = s.field() {
			switch string(field) {
			case "type":
				kind = s.text()
			case "name":
				name = s.text()
			case "quorate":
				quorate = s.flag()
			case "nodeid":
				m.NodeID = int(s.count().Value)
			case "ip":
				m.IP = s.text()
			case "online":
				m.Online = s.flag().Value
			case "local":
				m.Local = s.flag().Value
			case "level":
				m.Level = s.text()
			default:
				s.skip()
			}
		}
		switch kind {
		case "cluster":
			out.Clustered, out.Name, out.Quorate = true, name, quorate
		case "node":
			m.Name = name
			out.Members = append(out.Members, m)
		}
	}
	return out
}

func decodeNodes(s *scanner, r *recycler) []Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Node
	s.array()
	for s.nextRow() {
		var row resourceRow
		var fp Fingerprint
		s.scratch = s.scratch[:0]
		for name, ok := s.field(); ok; name, ok = s.field() {
			switch string(name) {
			case "ssl_fingerprint":
				fp = s.fingerprint()
			default:
				row.readField(name, s)
			}
		}
		out = append(out, Node{ResourceNode: row.asNode(r), Fingerprint: fp})
	}
	return out
}

// decodeTasks reads a task list of either product, newest start first and each UPID once: around the end of a task a
// list can name it twice, running and ended.
func decodeTasks(s *scanner) []Task {
	var out []Task
	at := map[string]int{}
	s.array()
	for s.nextRow() {
		t := decodeTask(s)
		if t.UPID == "" {
			continue
		}
		if i, seen := at[t.UPID]; seen {
			if out[i].Running() {
				out[i] = t
			}
			continue
		}
		at[t.UPID] = len(out)
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b Task) int {
		if c := b.Start.Compare(a.Start); c != 0 {
			return c
		}
		return strings.Compare(a.UPID, b.UPID)
	})
	return out
}

func decodeTask(s *scanner) Task {
	var t Task
	for name, ok := s.field(); ok; name, ok = s.field() {
		switch string(name) {
		case "upid":
			t.UPID = s.text()
		case "node":
			t.Node = s.text()
		case "type", "worker_type":
			t.Kind = s.text()
		case "id", "worker_id":
			t.WorkerID = s.text()
		case "user":
			t.User = s.text()
		case "tokenid":
			t.TokenName = s.text()
		case "starttime":
			t.Start = s.instant()
		case "endtime":
			t.End = s.instant()
		case "status":
			t.Status = s.text()
		default:
			s.skip()
		}
	}
	if user, token, ok := strings.Cut(t.User, "!"); ok {
		t.User, t.TokenName = user, token
	}
	return t
}
