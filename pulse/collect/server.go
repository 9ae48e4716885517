package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// How often what a backup server tells beside its own status is read.
const (
	usageMost       = 20 * time.Second
	usageLeast      = time.Minute
	datastoresEvery = 5 * time.Minute
	namespacesEvery = time.Hour
)

// usageEvery keeps the datastores' numbers live, which two and a half cycles and 25 s are the limit for.
func (c *Collector) usageEvery() time.Duration {
	return min(max(2*c.opt.Interval, usageMost), usageLeast)
}

// passServer reads a PBS target.
func (c *Collector) passServer(ctx context.Context, prev *estate.Observation) *estate.Observation {
	started := time.Now().UTC()
	d := c.begin(prev)
	server := estate.Server{}
	if d.obs.Server != nil {
		server = *d.obs.Server
	}
	s := &serverPass{c: c, d: d, server: &server, now: started}
	if err := s.main(ctx); err != nil {
		return c.failed(ctx, d, prev, err, started)
	}
	s.rest(ctx)
	d.obs.Server = s.server
	if sentence := c.blind(d); sentence != "" {
		d.fail(estate.ReasonForbidden, sentence, started, time.Now().UTC())
		return d.done()
	}
	d.obs.Poll.Degraded = s.degraded()
	d.succeed(started, time.Now().UTC())
	return d.done()
}

// serverPass is one pass over a backup server.
type serverPass struct {
	c      *Collector
	d      *draft
	server *estate.Server // a copy of the last one
	now    time.Time
	failed []string // what went wrong beside the main reading
}

func (s *serverPass) wantsDatastores() bool { return s.c.opt.Collect.Datastores }

// main makes the one reading without which the pass fails: the host's status, or the usage of the datastores where the
// credential may see no more than those.
func (s *serverPass) main(ctx context.Context) error {
	if refused := s.d.notes.get(noteHost); s.now.Sub(refused) < forbiddenEvery && s.wantsDatastores() {
		return s.usage(ctx)
	}
	s.d.obs.Poll.Requests++
	status, meta, err := s.c.opt.Client.HostStatus(ctx)
	switch {
	case errors.Is(err, proxmox.ErrForbidden) && s.wantsDatastores():
		s.d.notes.set(noteHost, s.now)
		return s.usage(ctx)
	case err != nil:
		return err
	}
	s.d.notes.drop(noteHost)
	s.d.answered(meta)
	applyHost(s.server, &status, meta.At)
	return nil
}

// rest makes the slow readings that are due. None of them fails the pass.
func (s *serverPass) rest(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(graceFor(time.Since(s.now))))
	defer cancel()
	if !s.wantsDatastores() {
		s.server.Datastores = nil
	} else if !s.d.notes.get(noteUsage).Equal(s.now) {
		s.try(ctx, noteUsage, s.c.usageEvery(), "the usage of the datastores could not be read", s.usage)
	}
	s.try(ctx, noteMembers, membersEvery, "", s.version)
	every := permissionsEvery
	if len(s.d.obs.Permissions.Missing) > 0 {
		every = missingEvery
	}
	s.try(ctx, notePermissions, every, "", s.rights)
	if s.wantsDatastores() {
		s.try(ctx, noteStorages, datastoresEvery, "the state of the datastores could not be read", s.datastores)
		s.namespaces(ctx)
	}
}

// try makes a reading when it is due. One that fails is made again after a minute.
func (s *serverPass) try(ctx context.Context, note string, every time.Duration, trouble string, f func(context.Context) error) {
	if !isDue(s.now, s.d.notes.get(note), every, s.c.opt.Interval) {
		return
	}
	s.d.notes.set(note, s.now)
	err := f(ctx)
	if err == nil {
		return
	}
	s.d.notes.set(note, s.now.Add(-every).Add(min(every, fixedRetry)))
	s.c.opt.Logger.LogAttrs(ctx, levelOf(err), "slow reading failed", attributes(s.c.opt.Target, &outcome{err: err})...)
	if trouble != "" && !errors.Is(err, proxmox.ErrForbidden) {
		s.failed = append(s.failed, trouble)
	}
}

func (s *serverPass) usage(ctx context.Context) error {
	s.d.obs.Poll.Requests++
	rows, meta, err := s.c.opt.Client.DatastoreUsage(ctx)
	if err != nil {
		return err
	}
	s.d.notes.set(noteUsage, s.now)
	s.d.answered(meta)
	if s.d.notes.has(noteHost) && !s.server.UptimeSeconds.Known() {
		s.server.Seen = estate.Seen{At: meta.At} // there is no more to see of it
	}
	keepVanished := lacks(s.d.obs.Permissions, privilegeStorages)
	list, vanished := mergeUsage(s.server.Datastores, rows, meta.At, keepVanished)
	if vanished > 0 && !keepVanished && s.rights(ctx) == nil && lacks(s.d.obs.Permissions, privilegeStorages) {
		list, _ = mergeUsage(s.server.Datastores, rows, meta.At, true)
	}
	s.server.Datastores = list
	return nil
}

func (s *serverPass) version(ctx context.Context) error {
	s.d.obs.Poll.Requests++
	learned, err := s.c.opt.Client.Learn(ctx)
	if err != nil {
		return err
	}
	s.server.Version = learned.Version.Version
	return nil
}

func (s *serverPass) rights(ctx context.Context) error {
	s.d.obs.Poll.Requests++
	rights, meta, err := s.c.opt.Client.Permissions(ctx)
	if err != nil {
		return err
	}
	s.c.applyRights(s.d, rights, meta.At)
	s.d.notes.set(notePermissions, s.now)
	return nil
}

func (s *serverPass) datastores(ctx context.Context) error {
	s.d.obs.Poll.Requests++
	rows, _, err := s.c.opt.Client.Datastores(ctx)
	if err != nil {
		return err
	}
	s.server.Datastores = applyDatastores(s.server.Datastores, rows)
	return nil
}

// namespaces reads those of one datastore: the one that waited longest.
func (s *serverPass) namespaces(ctx context.Context) {
	oldest, since := -1, time.Time{}
	for i := range s.server.Datastores {
		last := s.d.notes.get(noteNamespaces + s.server.Datastores[i].Name)
		if oldest < 0 || last.Before(since) {
			oldest, since = i, last
		}
	}
	s.forgetNamespaces()
	if oldest < 0 || s.now.Sub(since) < namespacesEvery {
		return
	}
	name := s.server.Datastores[oldest].Name
	s.d.notes.set(noteNamespaces+name, s.now)
	s.d.obs.Poll.Requests++
	rows, _, err := s.c.opt.Client.Namespaces(ctx, name)
	s.server.Datastores = slices.Clone(s.server.Datastores)
	store := &s.server.Datastores[oldest]
	if err != nil {
		store.NamespacesNote = namespacesNote(err)
		return
	}
	store.Namespaces, store.NamespacesNote = namespacesOf(rows), ""
}

// forgetNamespaces drops what is remembered of datastores that are gone.
func (s *serverPass) forgetNamespaces() {
	var stale []string
	for name := range s.d.notes.times {
		if store, ok := strings.CutPrefix(name, noteNamespaces); ok && findDatastore(s.server.Datastores, store) == nil {
			stale = append(stale, name)
		}
	}
	for _, name := range stale {
		s.d.notes.drop(name)
	}
}

func namespacesNote(err error) string {
	switch {
	case errors.Is(err, proxmox.ErrUnsupported):
		return "this version has no namespaces"
	case errors.Is(err, proxmox.ErrForbidden):
		return "the credentials may not list namespaces"
	}
	return sentenceOf(err)
}

func (s *serverPass) degraded() string {
	parts := s.failed
	for _, m := range s.d.obs.Permissions.Missing {
		parts = append(parts, m.Privilege+" on "+m.Path+" is missing, which hides "+m.Hides)
	}
	return strings.Join(parts, "; ")
}

func namespacesOf(rows []proxmox.Namespace) []estate.Namespace {
	out := make([]estate.Namespace, 0, len(rows))
	for _, row := range rows {
		out = append(out, estate.Namespace{Path: row.Path, Comment: row.Comment})
	}
	slices.SortFunc(out, func(a, b estate.Namespace) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Comment, b.Comment))
	})
	return slices.CompactFunc(out, func(a, b estate.Namespace) bool { return a.Path == b.Path })
}
