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
	fields["removed-bytes"], fields["removed-chunks"] = 4_567_890_123, 2345
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

// groupList lists the groups of a namespace.
func (k *backupCall) groupList() *reply {
	_, n, refused := k.space()
	if refused != nil {
		return refused
	}
	rows := []object{}
	for _, g := range n.groups {
		last := g.last()
		if last.IsZero() {
			continue
		}
		row := object{
			"backup-type": g.kind, "backup-id": g.id, "last-backup": last.Unix(), "backup-count": g.count + len(g.added),
			"files": g.files(), "owner": g.owner,
		}
		if about := g.describe(); about != "" {
			row["comment"] = about
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// files are the archives of a snapshot of the group.
func (g *group) files() []string {
	switch g.kind {
	case "vm":
		return []string{"qemu-server.conf.blob", "drive-scsi0.img.fidx", "client.log.blob", "index.json.blob"}
	case "ct":
		return []string{"pct.conf.blob", "root.pxar.didx", "catalog.pcat1.didx", "index.json.blob"}
	}
	return []string{"etc.pxar.didx", "catalog.pcat1.didx", "index.json.blob"}
}

// sizeAt is the size of the snapshot of that time.
func (g *group) sizeAt(at time.Time) int64 {
	return g.size + int64(g.chance.of(uint64(at.Unix())).between(0, 1e8))
}

// protects tells whether the snapshot of that time is protected.
func (g *group) protects(at time.Time) bool {
	return g.chance.of(uint64(at.Unix()), 1).unit() < 0.02
}

// verification is the state of a snapshot that was verified; nil for one that
// was not. Recent ones wait for the next job.
func (s *backupServer) verification(g *group, at time.Time, store string) object {
	if s.clk.now().Sub(at) < 36*time.Hour {
		return nil
	}
	state := "ok"
	if g.chance.of(uint64(at.Unix()), 2).unit() < 0.01 {
		state = "failed"
	}
	t := backupTask{kind: "verificationjob", id: store + ":v-" + store, user: worker, number: 7, start: at.Add(24 * time.Hour)}
	return object{"state": state, "upid": t.upid(s.name)}
}

// snapshotList lists the snapshots of a namespace.
func (k *backupCall) snapshotList() *reply {
	d, n, refused := k.space()
	if refused != nil {
		return refused
	}
	kind, id := k.params.Get("backup-type"), k.params.Get("backup-id")
	rows := []object{}
	for _, g := range n.groups {
		if (kind != "" && kind != g.kind) || (id != "" && id != g.id) {
			continue
		}
		for _, at := range g.times() {
			rows = append(rows, k.snapshotRow(d, g, at))
		}
	}
	return ok(rows)
}

func (k *backupCall) snapshotRow(d *datastore, g *group, at time.Time) object {
	size := g.sizeAt(at)
	var files []object
	left := size
	for i, name := range g.files() {
		file := object{"filename": name, "crypt-mode": "none", "size": int64(512)}
		switch {
		case name == "client.log.blob":
			delete(file, "size")
			delete(file, "crypt-mode")
		case i == 1:
			file["size"] = size - 1024
		}
		files = append(files, file)
		left -= 512
	}
	row := object{
		"backup-type": g.kind, "backup-id": g.id, "backup-time": at.Unix(), "size": max(left, size), "files": files,
		"owner": g.owner, "protected": g.protects(at),
	}
	if about := g.describe(); about != "" {
		row["comment"] = about
	}
	if v := k.s.verification(g, at, d.name); v != nil {
		row["verification"] = v
	}
	return row
}

// collection is the garbage collection of one store with its schedule.
func (k *backupCall) collection() *reply {
	d, refused := k.store()
	if refused != nil {
		return refused
	}
	return ok(k.collectionJob(d))
}

// collections are those of all stores.
func (k *backupCall) collections() *reply {
	rows := []object{}
	for _, d := range k.s.datastores {
		if k.visible(d) {
			rows = append(rows, k.collectionJob(d))
		}
	}
	return ok(rows)
}

func (k *backupCall) collectionJob(d *datastore) object {
	row := k.collectionStatus(d)
	row["store"], row["schedule"] = d.name, "daily"
	k.addRun(row, "garbage_collection", d.name)
	if !d.neverGC {
		row["duration"] = 2400
	}
	delete(row, "last-run-upid")
	return row
}

// addRun adds when a job ran last and runs next.
func (k *backupCall) addRun(row object, kind, id string) {
	row["next-run"] = k.now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).Unix()
	t := k.s.last(kind, id)
	if t == nil || t.end.IsZero() {
		return
	}
	row["last-run-upid"], row["last-run-endtime"], row["last-run-state"] = t.upid(k.s.name), t.end.Unix(), t.status
}

// verifyJobs, pruneJobs and syncJobs list jobs with their last runs.
func (k *backupCall) verifyJobs() *reply {
	return k.jobs("verificationjob", func(d *datastore) object {
		return object{"id": "v-" + d.name, "store": d.name, "schedule": "daily", "ignore-verified": true, "outdated-after": 30}
	})
}

func (k *backupCall) pruneJobs() *reply {
	return k.jobs("prunejob", func(d *datastore) object {
		return object{"id": "default-" + d.name, "store": d.name, "schedule": "daily", "keep-last": 7, "keep-weekly": 4}
	})
}

func (k *backupCall) syncJobs() *reply {
	if !k.who.rights.has("/remote", "Remote.Audit") {
		return ok([]object{})
	}
	return k.jobs("syncjob", func(d *datastore) object {
		return object{
			"id": "s-" + d.name, "store": d.name, "schedule": "hourly", "owner": worker, "remote": "elsewhere",
			"remote-store": d.name, "remove-vanished": false,
		}
	})
}

func (k *backupCall) jobs(kind string, describe func(*datastore) object) *reply {
	wanted := k.params.Get("store")
	rows := []object{}
	for _, d := range k.s.datastores {
		if !k.visible(d) || (wanted != "" && wanted != d.name) {
			continue
		}
		row := describe(d)
		k.addRun(row, kind, d.name)
		rows = append(rows, row)
	}
	return ok(rows)
}

// lower is the form in which PBS prints fingerprints.
func lower(s string) string { return strings.ToLower(s) }
