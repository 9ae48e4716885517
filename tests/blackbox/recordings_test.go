package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// update records the answers anew:
//
//	go test ./tests/blackbox -run TestRecordedAnswersAreWhatPulseSends -update && make generate
var update = flag.Bool("update", false, "record the answers that the OpenAPI document shows as examples")

// recordings is where the answers lie from which the document's examples are made.
var recordings = filepath.Join("..", "..", "openapi", "gen", "examples")

// recorder goes through the operations and holds each answer to its recording, or records it.
type recorder struct {
	*site
	pulse *lab.Pulse
	seen  []string // the names of the recordings
}

// TestRecordedAnswersAreWhatPulseSends holds the examples of the OpenAPI document to what Pulse answers now about the
// same estate: the same fields, with values of the same kinds.
func TestRecordedAnswersAreWhatPulseSends(t *testing.T) {
	t.Parallel()
	estate := []string{"-clusters", "1", "-nodes", "2", "-guests", "3", "-pbs", "1", "-tick", "1s"}
	if *update {
		estate = append(estate, "-pve-port", "8006", "-pbs-port", "8007") // the usual ones read better
	}
	s := newSite(t, estate...)
	r := &recorder{site: s, pulse: s.start(lab.PulseOptions{Dir: t.TempDir(), Token: apiToken})}
	r.aboutPulse()
	r.aboutTries()
	r.aboutNodes()
	r.aboutState()
	r.aboutStream()
	r.aboutReadiness()
	r.answer("delete-node.200", http.MethodDelete, "/api/config/nodes/pve-0", nil)

	files, err := filepath.Glob(filepath.Join(recordings, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(r.seen), "each recording is held to something")
}

func (r *recorder) aboutPulse() {
	r.answer("get-health.200", http.MethodGet, "/api/health", nil)
	r.answer("get-version.200", http.MethodGet, "/api/version", nil)
	r.answer("get-security-status.200", http.MethodGet, "/api/security/status", nil)
	r.answer("get-config.200", http.MethodGet, "/api/config", nil)
	settings := map[string]any{"pollingInterval": 2}
	r.answer("get-system-settings.200", http.MethodGet, "/api/config/system", nil)
	r.answer("update-system-settings.200", http.MethodPut, "/api/config/system", settings)
	r.answer("post-system-settings.200", http.MethodPost, "/api/config/system", settings)
}

func (r *recorder) aboutTries() {
	const older = "/api/config/nodes/test-config"
	c := r.sim.Estate.Clusters[0]
	good := withToken("pve", "home", c.URL(), c.Credentials[sim.Auditor])
	bare := withToken("pve", "home", c.URL(), c.Credentials[sim.NoRights])
	r.answer("test-connection.200", http.MethodPost, testConnection, good)
	r.answer("test-connection.400", http.MethodPost, testConnection, bare)
	r.answer("test-config.200.success", http.MethodPost, older, good)
	r.answer("test-config.200.failure", http.MethodPost, older, bare)
}

func (r *recorder) aboutNodes() {
	c, b := r.sim.Estate.Clusters[0], r.sim.Estate.BackupServers[0]
	r.answer("add-node.201", http.MethodPost, "/api/config/nodes", withToken("pve", "home", c.URL(), c.Credentials[sim.Auditor]))
	r.add(r.pulse, withToken("pbs", "vault", b.URL, b.Credentials[sim.Auditor]))
	if *update { // by then everything was read that is not read with each cycle
		r.await(r.pulse, "some cycles", func(st state) error {
			if st.Stats.PollingCycles < 12 {
				return fmt.Errorf("%d cycles", st.Stats.PollingCycles)
			}
			return nil
		})
	}
	r.settled("list-nodes.200", "/api/config/nodes")
	r.settled("discover.200", "/api/discover")
	r.settled("get-diagnostics.200", "/api/diagnostics")
	r.answer("test-node.200", http.MethodPost, "/api/config/nodes/pve-0/test", nil)
	r.answer("update-node.200", http.MethodPut, "/api/config/nodes/pve-0", map[string]any{"monitorBackups": true})
}

func (r *recorder) aboutState() {
	r.settled("get-state.200", "/api/state")
	st := r.state(r.pulse)
	r.settled("list-storage.200", "/api/storage")
	r.settled("get-storage.200.storage", "/api/storage/"+st.Storage[0].ID)
	r.settled("get-storage.200.node", "/api/storage/"+st.Nodes[0].ID)
}

func (r *recorder) aboutStream() {
	stream := r.stream(r.pulse)
	require.NoError(r.t, stream.Send(map[string]string{"type": "ping"}))
	for wanted := []string{"welcome", "initialState", "rawData", "pong"}; len(wanted) > 0; {
		m := r.next(stream)
		i := slices.Index(wanted, m.Type)
		if i < 0 {
			continue
		}
		wanted = slices.Delete(wanted, i, i+1)
		if !strings.HasSuffix(m.Type, "a") && m.Type != "initialState" { // a state is an example already
			r.hold("stream.101."+m.Type, m.Raw)
		}
	}
}

// aboutReadiness makes Pulse wait for a target that says nothing.
func (r *recorder) aboutReadiness() {
	r.settled("get-ready.200", "/api/ready")
	var listening net.ListenConfig
	silent, err := listening.Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(r.t, err)
	defer func() { _ = silent.Close() }() // nobody minds
	r.add(r.pulse, with(withToken("pve", "silent", "https://"+silent.Addr().String(),
		r.sim.Estate.Clusters[0].Credentials[sim.Auditor]), "verifySSL", false))
	r.answer("get-ready.503", http.MethodGet, "/api/ready", nil)
}

// answer asks once and holds the answer to the recording with a name.
func (r *recorder) answer(name, method, path string, body any) {
	r.t.Helper()
	reply := r.ask(r.pulse, method, path, body)
	require.Contains(r.t, name, fmt.Sprintf(".%d", reply.Status), "%s", reply.Body)
	r.hold(name, reply.Body)
}

// settled reads until the answer is like the recording: what is not read with every cycle comes later.
func (r *recorder) settled(name, path string) {
	r.t.Helper()
	if !*update {
		want := r.recorded(name)
		labtest.Await(r.t, name, func(context.Context) error {
			return sameKinds(want, r.ask(r.pulse, http.MethodGet, path, nil).Body)
		})
	}
	r.answer(name, http.MethodGet, path, nil)
}

// hold compares an answer with its recording, or records it.
func (r *recorder) hold(name string, answer []byte) {
	r.t.Helper()
	r.seen = append(r.seen, name)
	if *update {
		var indented bytes.Buffer
		require.NoError(r.t, json.Indent(&indented, bytes.TrimSpace(answer), "", "  "))
		indented.WriteByte('\n')
		require.NoError(r.t, os.WriteFile(filepath.Join(recordings, name+".json"), indented.Bytes(), 0o644))
	}
	require.NoErrorf(r.t, sameKinds(r.recorded(name), answer), "%s; record it anew where the answer is right", name)
}

func (r *recorder) recorded(name string) []byte {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(recordings, name+".json"))
	require.NoError(r.t, err)
	return text
}

// sameKinds tells where two documents differ in their fields or in the kinds of their values. The elements of a list
// count together.
func sameKinds(want, got []byte) error {
	wanted, err := kindsOf(want)
	if err != nil {
		return err
	}
	given, err := kindsOf(got)
	if err != nil {
		return err
	}
	return difference(wanted, given)
}

// kindsOf lists the fields of a document with the kinds of their values, as ".nodes[].cpu: float64".
func kindsOf(text []byte) ([]string, error) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	kinds := addKinds(nil, "", value)
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}

func addKinds(kinds []string, at string, value any) []string {
	kinds = append(kinds, fmt.Sprintf("%s: %T", at, value))
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			kinds = addKinds(kinds, at+"."+name, field)
		}
	case []any:
		for _, element := range v {
			kinds = addKinds(kinds, at+"[]", element)
		}
	}
	return kinds
}
