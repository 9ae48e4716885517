package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// backupServer is one PBS.
type backupServer struct {
	cfg      *Config
	clk      clock
	chance   chance
	name     string
	place    *endpoint
	accounts *accounts
	booted   time.Time

	mu           sync.Mutex
	datastores   []*datastore
	tasks        []*backupTask // newest first
	lastPID      uint32
	slow         time.Duration
	unauthorized bool
	certificates uint64
}

// datastore is one store of backups.
type datastore struct {
	server      *backupServer
	chance      chance
	name        string
	comment     string
	maintenance string
	total       int64
	share       float64
	neverGC     bool
	namespaces  []*namespace
}

// namespace holds groups; the root namespace is named "".
type namespace struct {
	name, comment string
	groups        []*group
}

// group is the backups of one guest or host.
type group struct {
	chance chance
	kind   string // vm, ct or host
	id     string
	owner  string
	about  string // comment of its snapshots, from the guest's name
	size   int64
	count  int         // nightly snapshots that exist from the start
	newest time.Time   // of those
	added  []time.Time // later ones, oldest first
}

// snapshots are the times of a group's snapshots, newest first.
func (g *group) times() []time.Time {
	out := make([]time.Time, 0, g.count+len(g.added))
	for _, t := range slices.Backward(g.added) {
		out = append(out, t)
	}
	for i := range g.count {
		out = append(out, g.newest.AddDate(0, 0, -i))
	}
	return out
}

// last is the newest snapshot; zero without any.
func (g *group) last() time.Time {
	if n := len(g.added); n > 0 {
		return g.added[n-1]
	}
	if g.count > 0 {
		return g.newest
	}
	return time.Time{}
}

// datastorePlace is where a cluster's guests are backed up.
type datastorePlace struct {
	server    *backupServer
	datastore *datastore
	namespace *namespace
	owner     string
}

// add records a new backup of a guest.
func (p *datastorePlace) add(g *guest, now time.Time) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	kind := backupKind(g)
	id := fmt.Sprint(g.vmid)
	at := slices.IndexFunc(p.namespace.groups, func(o *group) bool { return o.kind == kind && o.id == id })
	if at < 0 {
		p.namespace.groups = append(p.namespace.groups, p.newGroup(g, 0, now))
		at = len(p.namespace.groups) - 1
	}
	one := p.namespace.groups[at]
	one.added = append(one.added, now.Truncate(time.Second))
	p.server.record("backup", p.datastore.name+":"+kind+"/"+id, p.owner, now, now, "OK")
}

// newGroup is the group of a guest with count nightly backups before now.
func (p *datastorePlace) newGroup(g *guest, count int, now time.Time) *group {
	c := p.datastore.chance.named(p.namespace.name).of(uint64(g.vmid))
	night := now.UTC().Truncate(24 * time.Hour).Add(time.Hour)
	if night.After(now) {
		night = night.AddDate(0, 0, -1)
	}
	return &group{
		chance: c, kind: backupKind(g), id: fmt.Sprint(g.vmid), owner: p.owner, about: g.live.name,
		size:  int64(float64(g.maxDisk) * c.of(saltDisk).between(0.2, 0.9)),
		count: count, newest: night.Add(time.Duration(c.pick(3000)) * time.Second),
	}
}

func backupKind(g *guest) string {
	if g.kind == typeVM {
		return "vm"
	}
	return "ct"
}

// usage is size and use at t.
func (d *datastore) usage(t time.Time) (total, used int64) {
	grown := max(t.Sub(d.server.clk.base).Seconds(), 0) * d.chance.between(1e4, 1e6)
	return d.total, min(int64(d.share*float64(d.total)+grown), d.total)
}

// namespace finds a namespace; nil when there is none.
func (d *datastore) namespace(name string) *namespace {
	for _, n := range d.namespaces {
		if n.name == name {
			return n
		}
	}
	return nil
}

// datastore finds a datastore; nil when there is none.
func (s *backupServer) datastore(name string) *datastore {
	for _, d := range s.datastores {
		if d.name == name {
			return d
		}
	}
	return nil
}

func (s *backupServer) findDatastore(name string) (*datastore, error) {
	if d := s.datastore(name); d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("datastore %s of %s: %w", name, s.name, ErrUnknown)
}

// info describes the server for clients.
func (s *backupServer) info() BackupServerInfo {
	out := BackupServerInfo{
		Name: s.name, URL: s.place.url(), Address: s.place.ip, Port: s.place.port,
		Fingerprint: s.place.certificateNow().fingerprint(),
		Credentials: s.accounts.credentials(),
	}
	for _, d := range s.datastores {
		out.Datastores = append(out.Datastores, d.name)
	}
	return out
}

// backupTask is one worker of a PBS.
type backupTask struct {
	kind, id, user string
	number         uint32
	start, end     time.Time
	status         string
}

// upid is the task's unique id; PBS escapes what is not plain in the worker id.
func (t *backupTask) upid(server string) string {
	escaped := make([]byte, 0, len(t.id))
	for i := range len(t.id) {
		if c := t.id[i]; c == ':' || c == '/' {
			escaped = fmt.Appendf(escaped, `\x%02x`, c)
		} else {
			escaped = append(escaped, c)
		}
	}
	return fmt.Sprintf("UPID:%s:%08X:%08X:%08X:%08X:%s:%s:%s:",
		server, 0x300+t.number%0x7000, 0x10000+t.number, t.number, t.start.Unix(), t.kind, escaped, t.user)
}

// record adds a task; a zero end means that it still runs. The caller holds mu
// or is the only one that knows the server.
func (s *backupServer) record(kind, id, user string, start, end time.Time, status string) *backupTask {
	s.lastPID++
	t := &backupTask{kind: kind, id: id, user: user, number: s.lastPID, start: start, end: end, status: status}
	s.tasks = slices.Insert(s.tasks, 0, t)
	if len(s.tasks) > keptTasks {
		s.tasks = s.tasks[:keptTasks]
	}
	return t
}
