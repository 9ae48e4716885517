package sim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// apiRoot is where the API begins on both products.
const apiRoot = "/api2/json"

// call is one authenticated request to the API of a PVE member.
type call struct {
	c      *cluster
	self   *node // that was asked
	n      *node // that the path names, or self
	who    identity
	method string
	path   string // below apiRoot
	vars   map[string]string
	params url.Values
	now    time.Time
	tick   int64
}

// param is the value of a parameter; "" when it is not given.
func (k *call) param(name string) string { return k.params.Get(name) }

// number is an integer parameter, already checked, or fallback.
func (k *call) number(name string, fallback int64) int64 {
	v, err := strconv.ParseInt(k.param(name), 10, 64)
	if err != nil {
		return fallback
	}
	return v
}

// flag is a boolean parameter.
func (k *call) flag(name string) bool { return k.param(name) == "1" }

// route is one endpoint of the API.
type route struct {
	method  string
	pattern string
	// path and privileges are what the caller needs; both "" for any caller.
	path, privileges string
	// proxied routes name a node and are answered by it; protected ones by its
	// privileged daemon.
	proxied, protected bool
	// params are the parameters that the endpoint knows; with a "#" they are
	// integers.
	params string
	serve  func(*call) *reply
}

// pveHandler answers requests to one member.
func (e *Estate) pveHandler(c *cluster, self *node) func(context.Context, *request) *reply {
	routes := c.routes()
	return func(ctx context.Context, req *request) *reply {
		pattern, out := c.answer(ctx, self, routes, req)
		now := e.cfg.Now()
		size := 0
		if out.doc != nil {
			size = len(out.doc.body)
		}
		e.log.add(c.name, Request{
			Node: self.name, Method: req.Method, Path: strings.TrimPrefix(req.URL.Path, apiRoot),
			Query: req.URL.RawQuery, Pattern: pattern, Status: out.status, At: now, Tick: e.clk.at(now), Bytes: size,
			Agent: req.UserAgent(),
		})
		return out
	}
}

// answer finds the endpoint, checks the caller and lets the right node serve.
func (c *cluster) answer(ctx context.Context, self *node, routes []route, req *request) (string, *reply) {
	c.mu.Lock()
	slow := self.slow
	c.mu.Unlock()
	_ = pause(ctx, slow)
	path, isAPI := strings.CutPrefix(req.URL.Path, apiRoot)
	switch {
	case !methodKnown(req.Method):
		return "", &reply{status: http.StatusNotImplemented, reason: "method '" + req.Method + "' not available"}
	case !isAPI:
		return "", &reply{status: http.StatusInternalServerError, reason: "no such file '" + req.URL.Path + "'"}
	}
	path = "/" + strings.Trim(path, "/")
	k := &call{c: c, self: self, n: self, method: req.Method, path: path}
	r := k.match(routes)
	if refused := c.authenticate(ctx, k, r, req); refused != nil {
		return patternOf(r), refused
	}
	if r == nil {
		return "", unimplemented(req.Method, path)
	}
	if out := k.permit(r); out != nil {
		return r.pattern, out
	}
	if out := k.forward(ctx, r); out != nil {
		return r.pattern, out
	}
	return r.pattern, k.run(r, req)
}

func methodKnown(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func patternOf(r *route) string {
	if r == nil {
		return ""
	}
	return r.pattern
}

// match finds the route of a path and its variables; nil without one.
func (k *call) match(routes []route) *route {
	parts := strings.Split(k.path, "/")
	for i := range routes {
		r := &routes[i]
		if r.method != k.method {
			continue
		}
		if vars, ok := matchPattern(r.pattern, parts); ok {
			k.vars = vars
			return r
		}
	}
	return nil
}

// matchPattern compares a pattern with a path that was split at slashes.
func matchPattern(pattern string, parts []string) (map[string]string, bool) {
	vars := map[string]string{}
	i := 0
	for want := range strings.SplitSeq(pattern, "/") {
		if i >= len(parts) {
			return nil, false
		}
		if name, found := strings.CutPrefix(want, "{"); found {
			if parts[i] == "" {
				return nil, false
			}
			vars[strings.TrimSuffix(name, "}")] = parts[i]
		} else if want != parts[i] {
			return nil, false
		}
		i++
	}
	return vars, i == len(parts)
}

// authenticate fills in who asks; a reply tells that nobody may.
func (c *cluster) authenticate(ctx context.Context, k *call, r *route, req *request) *reply {
	open := r != nil && (r.pattern == "/access/ticket" || r.pattern == "/access/domains")
	if open {
		return nil
	}
	ticket, token := c.accounts.flavour.presented(req)
	refuse := func(reason string) *reply {
		_ = pause(ctx, c.cfg.AuthDelay)
		return &reply{status: http.StatusUnauthorized, reason: reason}
	}
	if ticket == "" && token == "" {
		return refuse("No ticket")
	}
	c.mu.Lock()
	unauthorized := c.unauthorized
	c.mu.Unlock()
	var known bool
	if ticket != "" {
		k.who, known = c.accounts.ticket(ticket, c.clk.now())
	} else {
		k.who, known = c.accounts.token(token)
	}
	if !known || unauthorized {
		return refuse("Authentication failed!")
	}
	if ticket != "" && req.Method != http.MethodGet &&
		!c.accounts.forgeryChecked(req.Header.Get("CSRFPreventionToken"), k.who.user, c.clk.now()) {
		return refuse("Permission denied - invalid csrf token")
	}
	return nil
}

// permit checks the privilege that the route needs; nil lets the caller pass.
func (k *call) permit(r *route) *reply {
	if r.privileges == "" {
		return nil
	}
	path := expand(r.path, k.vars)
	if k.who.rights.has(path, r.privileges) {
		return nil
	}
	return forbidden(path, r.privileges)
}

// expand replaces {name} by the variable.
func expand(pattern string, vars map[string]string) string {
	for name, value := range vars {
		pattern = strings.Replace(pattern, "{"+name+"}", value, 1)
	}
	return pattern
}

// forward finds the node that serves; a reply tells why none can.
func (k *call) forward(ctx context.Context, r *route) *reply {
	if !r.proxied {
		return k.local(r)
	}
	name := k.vars["node"]
	if name == "localhost" {
		return k.local(r)
	}
	k.c.mu.Lock()
	n := k.c.node(name)
	k.c.mu.Unlock()
	if n == nil {
		return failure(http.StatusInternalServerError, fmt.Sprintf(
			"hostname lookup '%s' failed - failed to get address info for: %s: Name or service not known", name, name))
	}
	if n == k.self {
		return k.local(r)
	}
	return k.remote(ctx, r, n)
}

// local checks that the daemon behind a protected call runs here.
func (k *call) local(r *route) *reply {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if r.protected && k.self.daemonDown {
		return proxyFailure(statusConnect, "Connection refused")
	}
	return nil
}

// remote checks that the named node can be reached from here, and waits as
// long as it is slow or hung.
func (k *call) remote(ctx context.Context, r *route, n *node) *reply {
	k.c.mu.Lock()
	code, reason := n.proxyError, n.proxyReason
	gone := n.off || n.proxyDown || (r.protected && n.daemonDown)
	hung, slow := n.hung, n.slow
	k.c.mu.Unlock()
	switch {
	case code != 0:
		return proxyFailure(code, reason)
	case gone:
		return proxyFailure(statusConnect, "Connection refused")
	case hung:
		if k.awaitAnswer(ctx, n) != nil {
			return proxyFailure(statusTimeout, "Connection timed out")
		}
	case slow > 0:
		wait := min(slow, k.c.cfg.ProxyTimeout)
		if pause(ctx, wait) != nil || slow > wait {
			return proxyFailure(statusTimeout, "Connection timed out")
		}
	}
	k.n = n
	return nil
}

// awaitAnswer waits for a hung node as long as pveproxy does.
func (k *call) awaitAnswer(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, k.c.cfg.ProxyTimeout)
	defer cancel()
	return n.place.awake(ctx)
}

// run checks parameters and serves under the cluster's lock.
func (k *call) run(r *route, req *request) *reply {
	params, err := parameters(req)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error())
	}
	k.params = params
	if wrong := k.checkParams(r); len(wrong) > 0 {
		return invalid(wrong)
	}
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	k.now, k.tick = k.c.now()
	if k.method != http.MethodGet && r.pattern != "/access/ticket" && !k.c.quorate() {
		return failure(http.StatusInternalServerError, "cluster not ready - no quorum?")
	}
	out := r.serve(k)
	out.protected = r.protected || k.n != k.self
	return out
}
