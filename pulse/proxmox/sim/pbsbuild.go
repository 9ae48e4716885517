package sim

import (
	"fmt"
	"slices"
	"time"
)

// newBackupServer makes a PBS with its address, certificate and credentials.
func (e *Estate) newBackupServer(root chance, name string, i int) (*backupServer, error) {
	luck := root.named("pbs").named(name)
	s := &backupServer{
		cfg: &e.cfg, clk: e.clk, chance: luck, name: name, lastPID: 1,
		booted: e.clk.base.Add(-time.Duration(luck.between(86400, 60*86400)) * time.Second),
	}
	s.place = e.newEndpoint(fmt.Sprintf("127.18.0.%d", i+1), e.memoryPort(e.cfg.PBSPort, 8007))
	s.place.write = writePBS
	s.place.handle = e.pbsHandler(s)
	cert, err := selfSigned(luck.named("certificate"), name, "Proxmox Backup Server", s.place.ip, e.clk.base)
	if err != nil {
		return nil, err
	}
	s.place.cert = cert
	s.accounts = &accounts{flavour: pbsFlavour(), key: luck.named("key").bytes(32)}
	e.servers = append(e.servers, s)
	return s, nil
}

// addDatastore adds a store with its root namespace and grants rights on it.
func (s *backupServer) addDatastore(name, comment string, total int64, share float64) *datastore {
	d := &datastore{
		server: s, chance: s.chance.named("store").named(name), name: name, comment: comment, total: total, share: share,
		namespaces: []*namespace{{}},
	}
	s.datastores = append(s.datastores, d)
	s.accounts.list = s.newAccounts()
	return d
}

// addNamespace adds a namespace, or gives the one of that name.
func (d *datastore) addNamespace(name, comment string) *namespace {
	if n := d.namespace(name); n != nil {
		return n
	}
	n := &namespace{name: name, comment: comment}
	d.namespaces = append(d.namespaces, n)
	return n
}

// newAccounts are the credentials of a PBS.
func (s *backupServer) newAccounts() []account {
	luck := s.chance.named("accounts")
	last := s.datastores[len(s.datastores)-1].name
	audit := []string{"Datastore.Audit", "Sys.Audit"}
	return []account{
		newAccount(luck, Admin, "root@pam", "pulse", true, rights{{"/", []string{
			"Datastore.Allocate", "Datastore.Audit", "Datastore.Backup", "Datastore.Modify", "Datastore.Prune",
			"Datastore.Read", "Datastore.Verify", "Permissions.Modify", "Remote.Audit", "Remote.Modify", "Remote.Read",
			"Sys.Audit", "Sys.Console", "Sys.Modify", "Sys.PowerManagement", "Tape.Audit",
		}}}),
		newAccount(luck, Auditor, "pulse@pbs", "monitor", true, rights{{"/", audit}}),
		newAccount(luck, BackupReader, "backup@pbs", "reader", true, rights{{"/datastore", []string{"Datastore.Audit"}}}),
		newAccount(luck, Limited, "owner@pbs", "one", true, rights{{"/datastore/" + last, []string{"Datastore.Audit"}}}),
		newAccount(luck, NoRights, "pulse@pbs", "bare", false, nil),
	}
}

// furnishTasks gives a PBS the tasks of last night.
func (s *backupServer) furnishTasks() {
	for _, d := range s.datastores {
		var newest []*group
		for _, n := range d.namespaces {
			newest = append(newest, n.groups...)
		}
		slices.SortFunc(newest, func(a, b *group) int { return a.last().Compare(b.last()) })
		for _, g := range newest[max(len(newest)-30, 0):] {
			s.record("backup", d.name+":"+g.kind+"/"+g.id, g.owner, g.last(), g.last().Add(3*time.Minute), "OK")
		}
		morning := s.clk.base.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1).Add(4 * time.Hour)
		s.record("prunejob", d.name+":default-"+d.name, worker, morning, morning.Add(time.Second), "OK")
		s.record("garbage_collection", d.name, worker, morning.Add(time.Hour), morning.Add(100*time.Minute), "OK")
		s.record("verificationjob", d.name+":v-"+d.name, worker, morning.Add(2*time.Hour), morning.Add(3*time.Hour), "WARNINGS: 1")
	}
	slices.SortStableFunc(s.tasks, func(a, b *backupTask) int { return b.start.Compare(a.start) })
}
