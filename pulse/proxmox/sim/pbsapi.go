package sim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// backupCall is one request to the API of a PBS.
type backupCall struct {
	s      *backupServer
	who    identity
	vars   map[string]string
	params url.Values
	now    time.Time
	tick   int64
}

// backupRoute is one endpoint of a PBS.
type backupRoute struct {
	method, pattern  string
	path, privileges string // what the caller needs; "" for any caller
	serve            func(*backupCall) *reply
}

// routes are the endpoints of a PBS.
func (s *backupServer) routes() []backupRoute {
	const (
		store = "/datastore/{store}"
		audit = "Datastore.Audit|Datastore.Backup"
		sys   = "Sys.Audit"
	)
	get, post := http.MethodGet, http.MethodPost
	return []backupRoute{
		{get, "/ping", "", "", (*backupCall).ping},
		{get, "/version", "", "", (*backupCall).version},
		{post, "/access/ticket", "", "", (*backupCall).ticket},
		{get, "/access/permissions", "", "", (*backupCall).permissions},
		{get, "/nodes/localhost/status", "/system/status", sys, (*backupCall).nodeStatus},
		{get, "/nodes/localhost/tasks", "", "", (*backupCall).taskList},
		{get, "/status/datastore-usage", "", "", (*backupCall).usage},
		{get, "/admin/datastore", "", "", (*backupCall).datastoreList},
		{get, "/admin/datastore/{store}/status", store, audit, (*backupCall).datastoreStatus},
		{get, "/admin/datastore/{store}/namespace", "", "", (*backupCall).namespaceList},
		{get, "/admin/datastore/{store}/groups", "", "", (*backupCall).groupList},
		{get, "/admin/datastore/{store}/snapshots", "", "", (*backupCall).snapshotList},
		{get, "/admin/datastore/{store}/gc", store, audit, (*backupCall).collection},
		{get, "/admin/gc", "", "", (*backupCall).collections},
		{get, "/admin/verify", "", "", (*backupCall).verifyJobs},
		{get, "/admin/prune", "", "", (*backupCall).pruneJobs},
		{get, "/admin/sync", "", "", (*backupCall).syncJobs},
	}
}

// text is an error as PBS sends it: the bare message, whatever the content
// type says.
func text(status int, message string) *reply {
	return &reply{status: status, doc: newDocument([]byte(message))}
}

// pbsHandler answers requests to one backup server.
func (e *Estate) pbsHandler(s *backupServer) func(context.Context, *request) *reply {
	routes := s.routes()
	return func(ctx context.Context, req *request) *reply {
		pattern, out := s.answer(ctx, routes, req)
		now := e.cfg.Now()
		size := 0
		if out.doc != nil {
			size = len(out.doc.body)
		}
		e.log.add(s.name, Request{
			Node: s.name, Method: req.Method, Path: strings.TrimPrefix(req.URL.Path, apiRoot),
			Query: req.URL.RawQuery, Pattern: pattern, Status: out.status, At: now, Tick: e.clk.at(now), Bytes: size,
			Agent: req.UserAgent(),
		})
		return out
	}
}

// answer finds the endpoint, checks the caller and serves.
func (s *backupServer) answer(ctx context.Context, routes []backupRoute, req *request) (string, *reply) {
	s.mu.Lock()
	slow, unauthorized := s.slow, s.unauthorized
	s.mu.Unlock()
	_ = pause(ctx, slow)
	path, isAPI := strings.CutPrefix(req.URL.Path, apiRoot)
	if !isAPI {
		return "", text(http.StatusNotFound, "no such file: '"+req.URL.Path+"'")
	}
	path = "/" + strings.Trim(path, "/")
	parts := strings.Split(path, "/")
	k := &backupCall{s: s, now: s.clk.now()}
	k.tick = s.clk.at(k.now)
	at := slices.IndexFunc(routes, func(r backupRoute) bool {
		vars, fits := matchPattern(r.pattern, parts)
		k.vars = vars
		return fits && r.method == req.Method
	})
	open := at >= 0 && (routes[at].pattern == "/ping" || routes[at].pattern == "/access/ticket")
	if !open && (unauthorized || !k.authenticate(req)) {
		_ = pause(ctx, s.cfg.AuthDelay)
		return "", text(http.StatusUnauthorized, "authentication failed")
	}
	if at < 0 {
		return "", text(http.StatusNotFound, "Path '"+path+"' not found.")
	}
	r := routes[at]
	if r.privileges != "" && !k.who.rights.has(expand(r.path, k.vars), r.privileges) {
		return r.pattern, text(http.StatusForbidden, "permission check failed")
	}
	return r.pattern, k.run(r, req, unauthorized)
}

// authenticate fills in who asks.
func (k *backupCall) authenticate(req *request) (known bool) {
	ticket, token := k.s.accounts.flavour.presented(req)
	if ticket == "" {
		k.who, known = k.s.accounts.token(token)
		return known
	}
	k.who, known = k.s.accounts.ticket(ticket, k.now)
	if known && req.Method != http.MethodGet {
		known = k.s.accounts.forgeryChecked(req.Header.Get("CSRFPreventionToken"), k.who.user, k.now)
	}
	return known
}

// run serves under the server's lock.
func (k *backupCall) run(r backupRoute, req *request, unauthorized bool) *reply {
	params, err := parameters(req)
	if err != nil {
		return text(http.StatusBadRequest, "unable to parse parameters")
	}
	k.params = params
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	if unauthorized && r.pattern == "/access/ticket" {
		return text(http.StatusUnauthorized, "authentication failed")
	}
	return r.serve(k)
}

// number is an integer parameter or fallback.
func (k *backupCall) number(name string, fallback int64) int64 {
	v, err := strconv.ParseInt(k.params.Get(name), 10, 64)
	if err != nil {
		return fallback
	}
	return v
}

// flag is a boolean parameter.
func (k *backupCall) flag(name string) bool {
	v := k.params.Get(name)
	return v == "1" || v == "true"
}

func (k *backupCall) ping() *reply { return ok(object{"pong": true}) }

func (k *backupCall) version() *reply {
	return ok(object{"version": "4.1.2", "release": "1", "repoid": k.s.chance.named("repoid").hex(20)})
}

// ticket logs a user in, or renews a ticket given as the password.
func (k *backupCall) ticket() *reply {
	user := k.params.Get("username")
	who, known := k.s.accounts.login(user, k.params.Get("password"), k.now)
	if !known {
		return text(http.StatusUnauthorized, "authentication failed")
	}
	ticket, csrf := k.s.accounts.issue(who.user, k.now)
	return ok(object{"username": who.user, "ticket": ticket, "CSRFPreventionToken": csrf})
}

// permissions are the caller's rights; the flags are real booleans here.
func (k *backupCall) permissions() *reply {
	paths := []string{
		"/", "/access", "/access/acl", "/access/users", "/datastore", "/remote", "/system", "/system/disks",
		"/system/status", "/system/tasks", "/tape",
	}
	for _, d := range k.s.datastores {
		paths = append(paths, "/datastore/"+d.name)
	}
	if path := k.params.Get("path"); path != "" {
		paths = []string{path}
	}
	out := object{}
	for _, path := range paths {
		if held := k.who.rights.at(path); len(held) > 0 {
			out[path] = propagated(held, true)
		}
	}
	return ok(out)
}

// nodeStatus is the load of the server itself.
func (k *backupCall) nodeStatus() *reply {
	c := k.s.chance
	seconds := k.now.Sub(k.s.booted).Seconds()
	const memory, disk = 16_726_425_600, 100_861_726_720
	used := int64(memory * (0.3 + 0.02*c.wave(seconds, 3600)))
	root := int64(disk / 14)
	cpu := 0.03 + 0.02*c.of(saltCPU, uint64(k.tick)).unit()
	version := "#1 SMP PREEMPT_DYNAMIC PMX 6.17.2-1 (2025-10-21T11:55Z)"
	return ok(object{
		"uptime": uptime(k.s.booted, k.now), "cpu": cpu, "wait": cpu / 20, "loadavg": []float64{cpu * 10, cpu * 9, cpu * 8},
		"memory":         object{"total": int64(memory), "used": used, "free": memory - used},
		"swap":           object{"total": 0, "used": 0, "free": 0},
		"root":           object{"total": int64(disk), "used": root, "avail": disk - root - disk/20},
		"kversion":       "Linux " + kernel + " " + version,
		"current-kernel": object{"sysname": "Linux", "release": kernel, "version": version, "machine": "x86_64"},
		"cpuinfo":        object{"model": "Intel(R) Xeon(R) E-2336 CPU @ 2.90GHz", "sockets": 1, "cpus": 12},
		"boot-info":      object{"mode": "efi", "secureboot": false},
		"info":           object{"fingerprint": lower(k.s.place.certificateNow().fingerprint())},
	})
}

// taskList lists tasks, newest first. Without Sys.Audit only one's own.
func (k *backupCall) taskList() *reply {
	rows := []object{}
	start, limit := int(k.number("start", 0)), int(k.number("limit", 50))
	everyone := k.who.rights.has("/system/tasks", "Sys.Audit")
	skipped := 0
	for _, t := range k.s.tasks {
		if k.params.Has("since") && t.start.Unix() < k.number("since", 0) {
			break
		}
		if (!everyone && !strings.HasPrefix(t.user, k.who.user)) || !k.wanted(t) {
			continue
		}
		if skipped < start {
			skipped++
			continue
		}
		if limit > 0 && len(rows) == limit {
			break
		}
		rows = append(rows, t.row(k.s.name))
	}
	return ok(rows)
}

func (k *backupCall) wanted(t *backupTask) bool {
	switch {
	case k.params.Has("until") && t.start.Unix() > k.number("until", 0),
		k.flag("running") && !t.end.IsZero(),
		k.flag("errors") && (t.end.IsZero() || t.status == "OK"),
		!strings.Contains(t.kind, k.params.Get("typefilter")),
		!strings.Contains(t.user, k.params.Get("userfilter")),
		k.params.Has("store") && !strings.HasPrefix(t.id, k.params.Get("store")):
		return false
	}
	return true
}

// row is the task as the list tells it, with underscores unlike elsewhere.
func (t *backupTask) row(server string) object {
	row := object{
		"upid": t.upid(server), "node": "localhost", "pid": 0x300 + t.number%0x7000, "pstart": 0x10000 + t.number,
		"starttime": t.start.Unix(), "worker_type": t.kind, "worker_id": t.id, "user": t.user,
	}
	if !t.end.IsZero() {
		row["endtime"], row["status"] = t.end.Unix(), t.status
	}
	return row
}
