package replicas

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

const (
	// limit is how long a loaded machine may take for anything that is waited for.
	limit = 3 * time.Minute
	// apiToken guards the API, redisPassword Redis; no word of Pulse's own is in them.
	apiToken      = "xyzzy-7f3a91c05be2-plugh"
	redisPassword = "frotz-0c95d3f2-ozmoo"
)

// fleet is a simulated estate, a Redis, and what the replicas have in common that watch the one and share the other.
type fleet struct {
	t       *testing.T
	sim     *lab.Simulator
	redis   *lab.Redis
	key     string // that seals what is stored
	targets string // the file that declares targets; empty for none
}

// newFleet starts a Redis and a simulated estate. Without arguments there is no estate.
func newFleet(t *testing.T, simulator ...string) *fleet {
	t.Helper()
	f := &fleet{
		t: t, key: config.NewKey().Encode(),
		redis: labtest.Redis(t, lab.RedisOptions{Keeps: true, Password: redisPassword}),
	}
	if len(simulator) > 0 {
		f.sim = labtest.Simulator(t, built[0], simulator...)
	}
	return f
}

// declare has all replicas that are started from now on watch the whole estate, each target at an interval.
func (f *fleet) declare(interval string) {
	f.t.Helper()
	targets := lab.Declare(f.sim.Estate, sim.Auditor)
	for i := range targets {
		targets[i].Interval = interval
	}
	f.targets = filepath.Join(f.t.TempDir(), "targets.json")
	require.NoError(f.t, lab.WriteTargets(f.targets, targets))
}

// options start a replica with further settings.
func (f *fleet) options(settings map[string]string) lab.PulseOptions {
	env := map[string]string{
		"PULSE_STORE": f.redis.URL(), "PULSE_ENCRYPTION_KEY": f.key, "LOG_LEVEL": "debug", "PULSE_ROLE": "all",
	}
	maps.Copy(env, settings)
	return lab.PulseOptions{Token: apiToken, Targets: f.targets, Env: env}
}

// start starts replica i. Its log is searched for secrets at the end.
func (f *fleet) start(i int, settings map[string]string) *lab.Pulse {
	f.t.Helper()
	var p *lab.Pulse
	f.t.Cleanup(func() { // runs after the one that ends it
		if p != nil {
			f.keepsSecrets("the log of "+versionOf(i), p.Log())
		}
	})
	p = labtest.Pulse(f.t, built[i], f.options(settings))
	return p
}

// startAll starts as many equal replicas.
func (f *fleet) startAll(count int) []*lab.Pulse {
	f.t.Helper()
	all := make([]*lab.Pulse, count)
	for i := range all {
		all[i] = f.start(i, nil)
	}
	return all
}

// ready waits until replicas are ready.
func (f *fleet) ready(replicas ...*lab.Pulse) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), limit)
	defer cancel()
	for _, p := range replicas {
		require.NoError(f.t, p.AwaitReady(ctx))
	}
}

// secrets are what no answer and no log line may hold.
func (f *fleet) secrets() []string {
	secrets := []string{apiToken, redisPassword, f.key}
	if f.sim == nil {
		return secrets
	}
	for _, c := range f.sim.Estate.Clusters {
		secrets = append(secrets, c.Credentials[sim.Auditor].TokenSecret)
	}
	for _, b := range f.sim.Estate.BackupServers {
		secrets = append(secrets, b.Credentials[sim.Auditor].TokenSecret)
	}
	return secrets
}

func (f *fleet) keepsSecrets(where, text string) {
	f.t.Helper()
	for _, secret := range f.secrets() {
		require.NotContains(f.t, text, secret, where)
	}
}

// ask sends a request. Whatever the answer is: it holds no secret, and a failure says what is wrong.
func (f *fleet) ask(p *lab.Pulse, method, path string, header http.Header, body any) lab.Reply {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), limit)
	defer cancel()
	reply, err := p.DoWith(ctx, method, path, header, body)
	require.NoError(f.t, err)
	f.keepsSecrets(method+" "+path, string(reply.Body)+fmt.Sprint(reply.Header))
	if reply.Status >= http.StatusBadRequest {
		require.NotEmpty(f.t, failureOf(f.t, reply), "%s %s", method, path)
	}
	return reply
}

// failureOf is what an answer that is a failure says.
func failureOf(t *testing.T, reply lab.Reply) string {
	t.Helper()
	var failure struct {
		Error   string   `json:"error"`
		Reasons []string `json:"reasons"` // of readiness
	}
	require.NoErrorf(t, reply.JSON(&failure), "%s", reply.Body)
	return failure.Error + strings.Join(failure.Reasons, " ")
}

// status is the status of the answer to a GET.
func (f *fleet) status(p *lab.Pulse, path string) int {
	f.t.Helper()
	return f.ask(p, http.MethodGet, path, nil, nil).Status
}

// read reads a path that answers 200 into what into points to.
func (f *fleet) read(p *lab.Pulse, path string, into any) {
	f.t.Helper()
	reply := f.ask(p, http.MethodGet, path, nil, nil)
	require.Equalf(f.t, http.StatusOK, reply.Status, "%s: %s", path, reply.Body)
	require.NoError(f.t, reply.JSON(into))
}

// state reads /api/state.
func (f *fleet) state(p *lab.Pulse) state {
	f.t.Helper()
	var st state
	f.read(p, "/api/state", &st)
	return st
}

// nodes reads /api/config/nodes.
func (f *fleet) nodes(p *lab.Pulse) []node {
	f.t.Helper()
	var list []node
	f.read(p, "/api/config/nodes", &list)
	return list
}

// await waits until missing finds nothing missing in a replica's state.
func (f *fleet) await(p *lab.Pulse, what string, missing func(state) error) state {
	f.t.Helper()
	var found state
	f.until(what, func() error {
		found = f.state(p)
		return missing(found)
	})
	return found
}

// until waits until missing finds nothing missing.
func (f *fleet) until(what string, missing func() error) {
	f.t.Helper()
	labtest.Await(f.t, what, func(context.Context) error { return missing() })
}

// add adds a node through a replica and returns its id.
func (f *fleet) add(p *lab.Pulse, draft map[string]any) string {
	f.t.Helper()
	reply := f.ask(p, http.MethodPost, "/api/config/nodes", nil, draft)
	require.Equalf(f.t, http.StatusCreated, reply.Status, "%s", reply.Body)
	var added struct{ ID string }
	require.NoError(f.t, reply.JSON(&added))
	require.NotEmpty(f.t, added.ID)
	return added.ID
}

// every sets the polling interval through a replica.
func (f *fleet) every(p *lab.Pulse, seconds int) {
	f.t.Helper()
	reply := f.ask(p, http.MethodPut, "/api/config/system", nil, map[string]any{"pollingInterval": seconds})
	require.Equalf(f.t, http.StatusOK, reply.Status, "%s", reply.Body)
}

// withToken is a node to add, with the auditor's token.
func withToken(kind, name, host string, c sim.Credential) map[string]any {
	return map[string]any{"type": kind, "name": name, "host": host, "tokenName": c.TokenID, "tokenValue": c.TokenSecret}
}

// addEstate adds everything that is simulated, under its own names, and returns the ids.
func (f *fleet) addEstate(p *lab.Pulse) []string {
	f.t.Helper()
	var ids []string
	for _, c := range f.sim.Estate.Clusters {
		ids = append(ids, f.add(p, withToken("pve", c.Name, c.URL(), c.Credentials[sim.Auditor])))
	}
	for _, b := range f.sim.Estate.BackupServers {
		ids = append(ids, f.add(p, withToken("pbs", b.Name, b.URL, b.Credentials[sim.Auditor])))
	}
	return ids
}

// truth is what the clusters have, in the lines of [state.holdings].
func (f *fleet) truth() []string {
	f.t.Helper()
	var lines []string
	for _, c := range f.sim.Estate.Clusters {
		guests, err := f.sim.Guests(f.t.Context(), c.Name)
		require.NoError(f.t, err)
		for _, g := range guests {
			lines = append(lines, guestLine(c.Name, g.VMID, g.Name, g.Status))
		}
	}
	return sorted(lines)
}

// awaitTruth waits until a replica shows what the clusters have, all of it live.
func (f *fleet) awaitTruth(p *lab.Pulse) state {
	f.t.Helper()
	return f.await(p, "the truth", func(st state) error {
		for _, g := range st.guests() {
			if g.Freshness != "live" {
				return fmt.Errorf("%s is %s", g.ID, g.Freshness)
			}
		}
		return difference(f.truth(), st.holdings())
	})
}

// act acts on a guest of a cluster.
func (f *fleet) act(action, cluster string, vmid int) {
	f.t.Helper()
	require.NoError(f.t, f.sim.Act(f.t.Context(), action, sim.Order{Cluster: cluster, VMID: vmid}))
}

// fault carries out a fault at the simulated servers.
func (f *fleet) fault(order sim.Order) {
	f.t.Helper()
	require.NoError(f.t, f.sim.Fault(f.t.Context(), order))
}

// running is a guest of a cluster that runs.
func (f *fleet) running(cluster string) sim.Guest {
	f.t.Helper()
	guests, err := f.sim.Guests(f.t.Context(), cluster)
	require.NoError(f.t, err)
	for _, g := range guests {
		if g.Status == "running" && !g.Template && g.Lock == "" {
			return g
		}
	}
	require.FailNow(f.t, "no guest runs", cluster)
	return sim.Guest{}
}

// shows is an error unless a guest of a target has a status.
func shows(st state, target string, vmid int, status string) error {
	g := st.guest(target, vmid)
	switch {
	case g == nil:
		return errors.New("there is no such guest")
	case g.Status != status:
		return errors.New("it is " + g.Status)
	}
	return nil
}
