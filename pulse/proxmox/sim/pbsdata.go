package sim

import (
	"net/http"
	"strings"
	"time"
)

// visible tells whether the caller may see a datastore.
func (k *backupCall) visible(d *datastore) bool {
	return k.who.rights.has("/datastore/"+d.name, "Datastore.Audit|Datastore.Backup")
}

// datastoreList lists the stores that the caller may see.
func (k *backupCall) datastoreList() *reply {
	rows := []object{}
	for _, d := range k.s.datastores {
		if !k.visible(d) {
			continue
		}
		row := object{"store": d.name, "comment": nil, "mount-status": "nonremovable", "backend-type": "filesystem"}
		if d.comment != "" {
			row["comment"] = d.comment
		}
		if d.maintenance != "" {
			row["maintenance"] = d.maintenance
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// usage tells size, use and garbage collection of every store.
func (k *backupCall) usage() *reply {
	rows := []object{}
	for _, d := range k.s.datastores {
		if !k.visible(d) {
			continue
		}
		row := object{"store": d.name, "mount-status": "nonremovable", "backend-type": "filesystem"}
		if strings.Contains(d.maintenance, "type=offline") {
			row["error"] = offlineText(d)
			rows = append(rows, row)
			continue
		}
		total, used := d.usage(k.now)
		const step = 30 * time.Minute
		end := k.now.Truncate(step)
		start := end.Add(-30 * 24 * time.Hour)
		history := []any{nil}
		for at := start.Add(step); at.Before(end); at = at.Add(step) {
			_, then := d.usage(at)
			history = append(history, float64(then)/float64(total))
		}
		row["total"], row["used"], row["avail"] = total, used, total-used
		row["history"], row["history-start"], row["history-delta"] = history, start.Unix(), int(step.Seconds())
		row["estimated-full-date"] = end.AddDate(1, 0, 0).Unix()
		row["gc-status"] = k.collectionStatus(d)
		rows = append(rows, row)
	}
	return ok(rows)
}

// offlineText is what calls on a store in offline maintenance say.
func offlineText(d *datastore) string {
	_, message, _ := strings.Cut(d.maintenance, "message=")
	return "offline maintenance mode: " + message
}

// collectionStatus is the result of the last garbage collection.
func (k *backupCall) collectionStatus(d *datastore) object {
	fields := object{"upid": nil}
	for _, name := range []string{
		"index-file-count", "index-data-bytes", "disk-bytes", "disk-chunks", "removed-bytes", "removed-chunks",
		"pending-bytes", "pending-chunks", "removed-bad", "still-bad",
	} {
		fields[name] = 0
	}
	t := k.s.last("garbage_collection", d.name)
	if d.neverGC || t == nil {
		return fields
	}
	_, used := d.usage(t.end)
	fields["upid"] = t.upid(k.s.name)
	fields["index-file-count"] = 2 * d.snapshotCount()
	fields["index-data-bytes"] = used * 8
	fields["disk-bytes"], fields["disk-chunks"] = used, used/2_000_000
	fields["removed-bytes"], fields["removed-chunks"] = int64(4_567_890_123), 2345
	fields["pending-bytes"], fields["pending-chunks"] = 123_456_789, 67
	return fields
}

// last is the newest task of a kind for a store; nil without one.
func (s *backupServer) last(kind, id string) *backupTask {
	for _, t := range s.tasks {
		if t.kind == kind && strings.HasPrefix(t.id, id) {
			return t
		}
	}
	return nil
}

func (d *datastore) snapshotCount() int {
	n := 0
	for _, space := range d.namespaces {
		for _, g := range space.groups {
			n += g.count + len(g.added)
		}
	}
	return n
}

// store finds the datastore of the path for a caller who may see it; a reply
// tells why not.
func (k *backupCall) store() (*datastore, *reply) {
	name := k.vars["store"]
	d := k.s.datastore(name)
	switch {
	case !k.who.rights.has("/datastore/"+name, "Datastore.Audit|Datastore.Backup"):
		return nil, text(http.StatusForbidden, "permission check failed")
	case d == nil:
		return nil, text(http.StatusBadRequest, "no such datastore '"+name+"'")
	case strings.Contains(d.maintenance, "type=offline"):
		return nil, text(http.StatusBadRequest, offlineText(d))
	}
	return d, nil
}

// datastoreStatus is one store, with counts when verbose.
func (k *backupCall) datastoreStatus() *reply {
	d, refused := k.store()
	if refused != nil {
		return refused
	}
	total, used := d.usage(k.now)
	row := object{"total": total, "used": used, "avail": total - used}
	if k.flag("verbose") {
		row["gc-status"] = k.collectionStatus(d)
		row["counts"] = d.counts()
	}
	return ok(row)
}

// counts are groups and snapshots by kind; null for a kind without any.
func (d *datastore) counts() object {
	out := object{"vm": nil, "ct": nil, "host": nil, "other": nil}
	for _, space := range d.namespaces {
		for _, g := range space.groups {
			sum, known := out[g.kind].(map[string]int)
			if !known {
				sum = map[string]int{}
				out[g.kind] = sum
			}
			sum["groups"]++
			sum["snapshots"] += g.count + len(g.added)
		}
	}
	return out
}

// namespaceList lists namespaces; the root is "".
func (k *backupCall) namespaceList() *reply {
	d, refused := k.store()
	if refused != nil {
		return refused
	}
	parent := k.params.Get("parent")
	rows := []object{}
	for _, n := range d.namespaces {
		if parent != "" && n.name != parent && !strings.HasPrefix(n.name, parent+"/") {
			continue
		}
		row := object{"ns": n.name}
		if n.comment != "" {
			row["comment"] = n.comment
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// space finds the namespace of the request.
func (k *backupCall) space() (*datastore, *namespace, *reply) {
	d, refused := k.store()
	if refused != nil {
		return nil, nil, refused
	}
	n := d.namespace(k.params.Get("ns"))
	if n == nil {
		return nil, nil, text(http.StatusBadRequest, "namespace not found")
	}
	return d, n, nil
}
