package sim

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// storageDefinitions lists the definitions that the caller may see.
func (k *call) storageDefinitions() *reply {
	rows := []object{}
	digest := k.c.chance.named("storage.cfg").hex(20)
	for _, s := range k.c.storages {
		if !k.who.rights.has("/storage/"+s.name, "Datastore.Audit|Datastore.AllocateSpace") {
			continue
		}
		if kind := k.param("type"); kind != "" && kind != s.plugin {
			continue
		}
		row := object{"storage": s.name, "type": s.plugin, "content": s.contentList(), "digest": digest}
		maps.Copy(row, s.extra)
		if s.shared {
			row["shared"] = 1
		}
		if s.only != nil {
			row["nodes"] = strings.Join(s.only, ",")
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

// storageList queries every storage of the node.
func (k *call) storageList() *reply {
	rows := []object{}
	for _, s := range k.c.storages {
		enabled := !s.disabled && s.on(k.n.name)
		switch {
		case !k.who.rights.has("/storage/"+s.name, "Datastore.Audit|Datastore.AllocateSpace"),
			k.flag("enabled") && !enabled,
			k.params.Has("content") && !s.holds(k.param("content")),
			k.params.Has("storage") && k.param("storage") != s.name:
			continue
		}
		row := withFraction(k.storageNumbers(s))
		row["storage"] = s.name
		rows = append(rows, row)
	}
	return ok(rows)
}

// storageNumbers is the state of a storage on the node now. One that is not
// active has zeros and no fraction.
func (k *call) storageNumbers(s *storage) object {
	enabled := !s.disabled && s.on(k.n.name)
	active := enabled && !s.down
	row := object{
		"type": s.plugin, "content": s.contentList(), "shared": boolInt(s.shared),
		"enabled": boolInt(enabled), "active": boolInt(active), "total": 0, "used": 0, "avail": 0,
	}
	if active {
		total, used := s.usage(k.n, k.now, k.c.clk.base)
		row["total"], row["used"], row["avail"] = total, used, total-used
	}
	return row
}

// withFraction adds the used share, which only the list tells.
func withFraction(row object) object {
	total, sized := row["total"].(int64)
	used, known := row["used"].(int64)
	if sized && known && total > 0 {
		row["used_fraction"] = fraction(float64(used) / float64(total))
	}
	return row
}

// storageStatus is the state of one storage.
func (k *call) storageStatus() *reply {
	s := k.c.storage(k.vars["storage"])
	if s == nil {
		return invalid(map[string]string{"storage": "No such storage."})
	}
	return ok(k.storageNumbers(s))
}

// storageContent lists the volumes that the caller may see: backups need
// Datastore.Allocate, or AllocateSpace here and VM.Backup on the guest.
func (k *call) storageContent() *reply {
	name := k.vars["storage"]
	s := k.c.storage(name)
	switch {
	case s == nil:
		return serverError("storage '" + name + "' does not exist")
	case s.disabled || !s.on(k.n.name):
		return serverError("storage '" + name + "' is disabled")
	case s.down:
		return serverError(s.downText)
	}
	rows := k.visibleImages(s)
	if kind := k.param("content"); s.holds("backup") && (kind == "" || kind == "backup") {
		rows = append(rows, k.visibleBackups(s)...)
	}
	if kind := k.param("content"); s.holds("iso") && (kind == "" || kind == "iso") && !k.params.Has("vmid") {
		rows = append(rows, object{
			"volid": s.name + ":iso/debian-13.1.0-amd64-netinst.iso", "content": "iso", "format": "iso",
			"size": 702_545_920, "ctime": k.c.clk.base.AddDate(0, -2, 0).Unix(),
		})
	}
	return ok(rows)
}

// visibleImages are the disks of the node's guests on its pool storages; seeing
// them needs more than auditing.
func (k *call) visibleImages(s *storage) []object {
	rows := []object{}
	for _, g := range k.c.order {
		kind := map[string]string{typeVM: "images", typeContainer: "rootdir"}[g.kind]
		wanted := k.param("content")
		switch {
		case g.node != k.n.name || s.name != g.home(),
			wanted != "" && wanted != kind,
			k.params.Has("vmid") && strconv.Itoa(g.vmid) != k.param("vmid"),
			!k.who.rights.has(fmt.Sprintf("/vms/%d", g.vmid), "VM.Config.Disk"):
			continue
		}
		rows = append(rows, g.image(s, kind))
	}
	return rows
}

// image is a guest's disk: LVM tells the creation as a string, ZFS tells none
// but a parent.
func (g *guest) image(s *storage, kind string) object {
	name := fmt.Sprintf("vm-%d-disk-0", g.vmid)
	row := object{
		"volid": s.name + ":" + name, "content": kind, "format": "raw", "size": g.maxDisk, "vmid": g.vmid,
	}
	if g.onPool {
		row["name"], row["parent"] = name, nil
	} else {
		row["ctime"] = strconv.FormatInt(g.created.Unix(), 10)
	}
	return row
}

// visibleBackups filters the storage's backups by right and VMID.
func (k *call) visibleBackups(s *storage) []object {
	all := k.who.rights.has("/storage/"+s.name, "Datastore.Allocate")
	some := k.who.rights.has("/storage/"+s.name, "Datastore.AllocateSpace")
	var out []object
	for _, b := range k.backupsOn(s) {
		if k.params.Has("vmid") && fmt.Sprint(b["vmid"]) != k.param("vmid") {
			continue
		}
		if all || some && k.who.rights.has(fmt.Sprintf("/vms/%v", b["vmid"]), "VM.Backup") {
			out = append(out, b)
		}
	}
	return out
}

func (k *call) backupsOn(s *storage) []object {
	if s.backups != nil {
		return s.backups.asVolumes(s.name)
	}
	var out []object
	sunday := k.c.clk.base.UTC().Truncate(24 * time.Hour).Add(3*time.Hour + 30*time.Minute)
	for sunday.Weekday() != time.Sunday || sunday.After(k.c.clk.base) {
		sunday = sunday.AddDate(0, 0, -1)
	}
	for _, g := range k.c.order {
		for i := range s.archives {
			if !g.live.template {
				out = append(out, g.archive(s, sunday.AddDate(0, 0, -7*i), i))
			}
		}
	}
	return out
}

// archive is a vzdump file; the name carries the node's local time, here UTC.
func (g *guest) archive(s *storage, at time.Time, number int) object {
	format := "tar.zst"
	if g.kind == typeVM {
		format = "vma.zst"
	}
	at = at.Add(time.Duration(g.vmid%60) * time.Minute)
	row := object{
		"volid":   fmt.Sprintf("%s:backup/vzdump-%s-%d-%s.%s", s.name, g.kind, g.vmid, at.Format("2006_01_02-15_04_05"), format),
		"content": "backup", "format": format, "subtype": g.kind, "vmid": g.vmid, "ctime": at.Unix(),
		"size": int64(float64(g.maxDisk) * g.chance.of(saltDisk, uint64(number)).between(0.1, 0.4)),
	}
	if number == 0 {
		row["notes"] = g.live.name
	}
	if g.chance.of(saltDisk, uint64(number), 1).unit() < 0.1 {
		row["protected"] = 1
	}
	return row
}

// asVolumes are the snapshots of the namespace as PVE shows them; those of
// hosts are left out.
func (p *datastorePlace) asVolumes(storage string) []object {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	var out []object
	for _, g := range p.namespace.groups {
		vmid, err := strconv.Atoi(g.id)
		if g.kind == "host" || err != nil {
			continue
		}
		subtype := map[string]string{"vm": typeVM, "ct": typeContainer}[g.kind]
		for _, at := range g.times() {
			row := object{
				"volid":   fmt.Sprintf("%s:backup/%s/%s/%s", storage, g.kind, g.id, at.UTC().Format(time.RFC3339)),
				"content": "backup", "format": "pbs-" + g.kind, "subtype": subtype, "vmid": vmid,
				"ctime": at.Unix(), "size": g.sizeAt(at),
			}
			if notes := g.describe(); notes != "" {
				row["notes"] = notes
			}
			if v := p.server.verification(g, at, p.datastore.name); v != nil {
				row["verification"] = v
			}
			if g.protects(at) {
				row["protected"] = 1
			}
			out = append(out, row)
		}
	}
	return out
}
