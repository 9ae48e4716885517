package sim

import "time"

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
