package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is an estate without sockets and a clock that only the test moves.
type bench struct {
	*testing.T
	*sim.Estate
	mu  sync.Mutex
	now time.Time
}

func start() time.Time { return time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC) }

// newBench makes an estate whose tasks end at once.
func newBench(t *testing.T, cfg sim.Config) *bench {
	t.Helper()
	b := &bench{T: t, now: start()}
	cfg.InMemory = true
	cfg.Now = func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.now
	}
	var err error
	b.Estate, err = sim.New(cfg)
	require.NoError(t, err)
	return b
}

// demo is the demonstration estate with tasks that end at once.
func demo() sim.Config {
	cfg := sim.Demo()
	cfg.TaskDuration = 0
	return cfg
}

// wait moves the clock.
func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// tick moves the clock to just after the next loop of pvestatd.
func (b *bench) tick() { b.wait(10 * time.Second) }

func (b *bench) clusterNamed(name string) sim.ClusterInfo {
	for _, c := range b.Clusters() {
		if c.Name == name {
			return c
		}
	}
	require.Fail(b, "no cluster "+name)
	return sim.ClusterInfo{}
}

// nodeURL is where a member answers.
func (b *bench) nodeURL(cluster, node string) string {
	for _, n := range b.clusterNamed(cluster).Nodes {
		if n.Name == node {
			return n.URL
		}
	}
	require.Fail(b, "no node "+node)
	return ""
}

// token is the header value of a PVE credential.
func token(c sim.Credential) string { return "PVEAPIToken=" + c.TokenID + "=" + c.TokenSecret }

// pbsToken is the header value of a PBS credential.
func pbsToken(c sim.Credential) string { return "PBSAPIToken=" + c.TokenID + ":" + c.TokenSecret }

// answer is a reply with its body read.
type answer struct {
	*http.Response
	body string
}

// message is the reason phrase without the code.
func (a answer) message() string {
	_, reason, _ := strings.Cut(a.Status, " ")
	return reason
}

// decode reads the body into a value.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var out struct {
		Data T `json:"data"`
	}
	require.Equal(t, http.StatusOK, a.StatusCode, a.Status+" "+a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), &out))
	return out.Data
}

// do sends a request without any connection.
func (b *bench) do(method, url, authorization, body string, edit ...func(*http.Request)) answer {
	b.Helper()
	return b.send(b.Context(), method, url, authorization, body, edit...)
}

func (b *bench) send(ctx context.Context, method, url, authorization, body string, edit ...func(*http.Request)) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(body))
	require.NoError(b, err)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, one := range edit {
		one(r)
	}
	return roundTrip(b, b.Estate, r)
}

func roundTrip(t require.TestingT, via http.RoundTripper, r *http.Request) answer {
	response, err := via.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{Response: response, body: string(text)}
}

// get asks the first member of a cluster with the token of a role.
func (b *bench) get(cluster string, role sim.Role, path string) answer {
	b.Helper()
	c := b.clusterNamed(cluster)
	return b.do(http.MethodGet, c.URL()+"/api2/json"+path, token(c.Credentials[role]), "")
}

// getAt asks a certain member as an auditor.
func (b *bench) getAt(cluster, node, path string) answer {
	b.Helper()
	c := b.clusterNamed(cluster)
	return b.do(http.MethodGet, b.nodeURL(cluster, node)+"/api2/json"+path, token(c.Credentials[sim.Auditor]), "")
}

// pbs asks the first backup server.
func (b *bench) pbs(role sim.Role, path string) answer {
	b.Helper()
	s := b.BackupServers()[0]
	return b.do(http.MethodGet, s.URL+"/api2/json"+path, pbsToken(s.Credentials[role]), "")
}

// row is an object of a reply.
type row = map[string]any

// resource finds a row of /cluster/resources; nil without one.
func (b *bench) resource(cluster, id string) row {
	b.Helper()
	for _, r := range decode[[]row](b.T, b.get(cluster, sim.Auditor, "/cluster/resources")) {
		if r["id"] == id {
			return r
		}
	}
	return nil
}
