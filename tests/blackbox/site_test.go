package blackbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// apiToken is what guards the API where a test wants it guarded; no word of Pulse's own is in it.
const apiToken = "xyzzy-7f3a91c05be2-plugh"

// limit is how long a loaded machine may take for anything that is waited for.
const limit = 2 * time.Minute

// site is a simulated estate and those who watch it.
type site struct {
	t   *testing.T
	sim *lab.Simulator

	mu      *sync.Mutex
	secrets *[]string // that no answer and no log line may hold
}

// on is the same site for a part of its test.
func (s *site) on(t *testing.T) *site { return &site{t: t, sim: s.sim, mu: s.mu, secrets: s.secrets} }

// newSite starts a simulated estate. Without arguments there is none.
func newSite(t *testing.T, simulator ...string) *site {
	t.Helper()
	s := &site{t: t, mu: &sync.Mutex{}, secrets: &[]string{apiToken}}
	if len(simulator) == 0 {
		return s
	}
	s.sim = labtest.Simulator(t, programs, simulator...)
	for _, c := range s.sim.Estate.Clusters {
		s.hide(c.Credentials)
	}
	for _, b := range s.sim.Estate.BackupServers {
		s.hide(b.Credentials)
	}
	return s
}

func (s *site) hide(credentials map[sim.Role]sim.Credential) {
	for _, c := range credentials {
		s.secret(c.TokenSecret)
		if c.Password != "" {
			s.secret(c.Password)
		}
	}
}

// secret adds text that must never be told.
func (s *site) secret(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.secrets = append(*s.secrets, text)
}

// keepsSecrets fails the test when text holds a secret.
func (s *site) keepsSecrets(where, text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range *s.secrets {
		require.NotContains(s.t, text, secret, where)
	}
}

// start starts Pulse, which logs everything it can; its log is searched for secrets at the end.
func (s *site) start(o lab.PulseOptions) *lab.Pulse {
	s.t.Helper()
	if o.Env == nil {
		o.Env = map[string]string{}
	}
	if o.Env["LOG_LEVEL"] == "" {
		o.Env["LOG_LEVEL"] = "debug"
	}
	var p *lab.Pulse
	s.t.Cleanup(func() { // runs after the one that ends it
		if p != nil {
			s.keepsSecrets("the log", p.Log())
		}
	})
	p = labtest.Pulse(s.t, programs, o)
	return p
}

// ask sends a request. Whatever the answer is: it holds no secret, a failure is an error in JSON, and it is what the
// OpenAPI document promises.
func (s *site) ask(p *lab.Pulse, method, path string, body any) lab.Reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	reply, err := p.Do(ctx, method, path, body)
	require.NoError(s.t, err)
	s.judge(method, path, reply)
	return reply
}

func (s *site) judge(method, target string, reply lab.Reply) {
	s.t.Helper()
	what := method + " " + target
	require.NoErrorf(s.t, promise.Answer(method, target, reply.Status, reply.Header, reply.Body), "%.2000s", reply.Body)
	s.keepsSecrets("the answer to "+what, string(reply.Body)+fmt.Sprint(reply.Header))
	if reply.Status >= http.StatusBadRequest {
		require.NotEmpty(s.t, errorOf(s.t, what, reply), what)
	}
}

// errorOf is the sentence of an answer that is an error.
func errorOf(t *testing.T, what string, reply lab.Reply) string {
	t.Helper()
	require.Equal(t, "application/json", reply.Header.Get("Content-Type"), what)
	var failure struct {
		Error   string   `json:"error"`
		Reasons []string `json:"reasons"` // of readiness
	}
	require.NoErrorf(t, reply.JSON(&failure), "%s: %s", what, reply.Body)
	if failure.Error == "" {
		return strings.Join(failure.Reasons, " ")
	}
	return failure.Error
}

// read reads a path that answers 200 into what into points to.
func (s *site) read(p *lab.Pulse, path string, into any) {
	s.t.Helper()
	reply := s.ask(p, http.MethodGet, path, nil)
	require.Equalf(s.t, http.StatusOK, reply.Status, "%s: %s", path, reply.Body)
	require.NoError(s.t, reply.JSON(into))
}

// state reads /api/state.
func (s *site) state(p *lab.Pulse) state {
	s.t.Helper()
	var st state
	s.read(p, "/api/state", &st)
	return st
}

// nodes reads /api/config/nodes.
func (s *site) nodes(p *lab.Pulse) []node {
	s.t.Helper()
	var list []node
	s.read(p, "/api/config/nodes", &list)
	return list
}

// await waits until missing finds nothing missing in the state.
func (s *site) await(p *lab.Pulse, what string, missing func(state) error) state {
	s.t.Helper()
	var found state
	labtest.Await(s.t, what, func(context.Context) error {
		found = s.state(p)
		return missing(found)
	})
	return found
}

// awaitNode waits until missing finds nothing missing in what the list of nodes says about one.
func (s *site) awaitNode(p *lab.Pulse, id, what string, missing func(node) error) node {
	s.t.Helper()
	var found node
	labtest.Await(s.t, what, func(context.Context) error {
		for _, n := range s.nodes(p) {
			if n.ID == id {
				found = n
				return missing(n)
			}
		}
		return errors.New("it is not in the list")
	})
	return found
}

// add adds a node and returns its id.
func (s *site) add(p *lab.Pulse, draft map[string]any) string {
	s.t.Helper()
	reply := s.ask(p, http.MethodPost, "/api/config/nodes", draft)
	require.Equalf(s.t, http.StatusCreated, reply.Status, "%s", reply.Body)
	var added struct{ ID string }
	require.NoError(s.t, reply.JSON(&added))
	require.NotEmpty(s.t, added.ID)
	return added.ID
}

// every sets the polling interval.
func (s *site) every(p *lab.Pulse, seconds int) {
	s.t.Helper()
	reply := s.ask(p, http.MethodPost, "/api/config/system", map[string]any{"pollingInterval": seconds})
	require.Equalf(s.t, http.StatusOK, reply.Status, "%s", reply.Body)
}

// cluster is the simulated cluster with a name.
func (s *site) cluster(name string) sim.ClusterInfo {
	s.t.Helper()
	for _, c := range s.sim.Estate.Clusters {
		if c.Name == name {
			return c
		}
	}
	require.FailNow(s.t, "no such cluster", name)
	return sim.ClusterInfo{}
}

// fault carries out a fault at the simulated servers.
func (s *site) fault(order sim.Order) {
	s.t.Helper()
	require.NoError(s.t, s.sim.Fault(s.t.Context(), order))
}

// counts are the numbers of requests that a cluster got.
func (s *site) counts(target string) map[string]int {
	s.t.Helper()
	counts, err := s.sim.Counts(s.t.Context(), target)
	require.NoError(s.t, err)
	return counts
}

// withToken is a node to add or to try, with the token of a role.
func withToken(kind, name, host string, c sim.Credential) map[string]any {
	return map[string]any{"type": kind, "name": name, "host": host, "tokenName": c.TokenID, "tokenValue": c.TokenSecret}
}

// withPassword is a node to add or to try, with the password of a role.
func withPassword(kind, name, host string, c sim.Credential) map[string]any {
	return map[string]any{"type": kind, "name": name, "host": host, "user": c.User, "password": c.Password}
}

// with is a draft with one more field.
func with(draft map[string]any, name string, value any) map[string]any {
	changed := map[string]any{name: value}
	for key, old := range draft {
		if key != name {
			changed[key] = old
		}
	}
	return changed
}

// stream opens a WebSocket that ends with the test.
func (s *site) stream(p *lab.Pulse) *lab.Stream {
	s.t.Helper()
	stream, err := p.Stream(s.t.Context())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = stream.Close() }) // the server may have closed it already
	return stream
}

// next reads the next message of a stream.
func (s *site) next(stream *lab.Stream) lab.Message {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	m, err := stream.Next(ctx)
	require.NoError(s.t, err)
	s.judgeMessage(m)
	return m
}

// follow reads the states of a stream until done says so.
func (s *site) follow(stream *lab.Stream, what string, done func(state) bool) state {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for {
		m, err := stream.Next(ctx)
		require.NoError(s.t, err, what)
		s.judgeMessage(m)
		if m.Type != "rawData" && m.Type != "initialState" {
			continue
		}
		var st state
		require.NoError(s.t, json.Unmarshal(m.Data, &st))
		if done(st) {
			return st
		}
	}
}

func (s *site) judgeMessage(m lab.Message) {
	s.t.Helper()
	s.keepsSecrets("a message of the stream", string(m.Raw))
	require.NoErrorf(s.t, promise.Message(m.Raw), "%.2000s", m.Raw)
}
