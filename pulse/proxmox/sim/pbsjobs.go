package sim

import (
	"strings"
	"time"
)

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
