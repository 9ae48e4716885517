package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// reading is a Pulse for the examples of one section: it watches the demonstration's estate, unless the section adds
// a node itself.
type reading struct {
	*site
	pulse *lab.Pulse
	part  section
}

// TestExamplesOfTheGuide runs every example as it stands, but for hosts and credentials, against a Pulse with a token and
// one without.
func TestExamplesOfTheGuide(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-demo", "-tick", "1s")
	_, sections := guide(t)
	ran := map[string]int{}
	for _, part := range sections {
		for _, b := range part.blocks {
			ran[b.language]++
		}
		if len(part.blocks) == 0 {
			continue
		}
		for name, token := range map[string]string{"with a token": apiToken, "without a token": ""} {
			t.Run(part.heading+" "+name, func(t *testing.T) {
				t.Parallel()
				r := s.on(t).open(part, token)
				for i, b := range part.blocks {
					r.try(i, b)
				}
				r.outcome()
			})
		}
	}
	for _, language := range []string{"bash", "python", "powershell", "javascript", "http", "json"} {
		require.Positive(t, ran[language], language)
	}
}

// startAnywhere starts a Pulse that forgets.
func (s *site) startAnywhere() *lab.Pulse { return s.start(lab.PulseOptions{}) }

func (s *site) open(part section, token string) *reading {
	s.t.Helper()
	r := &reading{site: s, part: part, pulse: s.start(lab.PulseOptions{Dir: s.t.TempDir(), Token: token})}
	if part.adds() {
		return r
	}
	home, vault := s.cluster("home"), s.sim.Estate.BackupServers[0]
	s.add(r.pulse, withToken("pve", "home", home.URL(), home.Credentials[sim.BackupReader]))
	s.add(r.pulse, withToken("pbs", "vault", vault.URL, vault.Credentials[sim.Auditor]))
	s.await(r.pulse, "the estate", func(st state) error {
		if len(st.Nodes) != 3 || len(st.PBS) != 1 {
			return fmt.Errorf("%d nodes, %d backup servers", len(st.Nodes), len(st.PBS))
		}
		return nil
	})
	return r
}

// here replaces the hosts and credentials of an example by those of this site.
func (r *reading) here(text string) string {
	home := r.cluster("home")
	admin, auditor := home.Credentials[sim.Admin], home.Credentials[sim.Auditor]
	password := auditor.Password
	if strings.Contains(text, `"user": "root@pam"`) {
		password = admin.Password
	}
	return strings.NewReplacer(
		"http://localhost:7655", r.pulse.URL,
		"ws://localhost:7655", "ws"+strings.TrimPrefix(r.pulse.URL, "http"),
		"your-secure-token", apiToken, "your-token", apiToken,
		"https://192.168.1.100:8006", home.URL(),
		`"user": "root@pam"`, `"user": "`+admin.User+`"`,
		`"user": "monitor@pve"`, `"user": "`+auditor.User+`"`,
		`"password": "password"`, `"password": "`+password+`"`,
	).Replace(text)
}

// try runs one block and judges its answers.
func (r *reading) try(i int, b block) {
	r.t.Helper()
	text := r.here(b.text)
	switch b.language {
	case "bash":
		r.answers(r.run(text, "bash", "-euo", "pipefail"))
	case "python":
		out := r.run(text, "/usr/bin/python3", "-I", "-")
		require.Contains(r.t, out, "Status: healthy\n")
		require.Contains(r.t, out, "Node: alder - online\n")
	case "powershell":
		r.powershell(text)
	case "javascript":
		r.javascript(text)
	case "json":
		r.documented(i, text)
	case "http":
	case "ini":
		require.Contains(r.t, text, "API_TOKEN="+apiToken)
	default:
		require.FailNow(r.t, "nothing tries such blocks", "%q in %s", b.language, r.part.heading)
	}
}

// run gives an example to an interpreter and returns what it printed.
func (r *reading) run(text, interpreter string, args ...string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, args...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + r.t.TempDir()}
	cmd.Stdin = strings.NewReader(text)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoErrorf(r.t, cmd.Run(), "%s\n%s\n(tests/install-tools.sh installs what is missing)", text, stderr.String())
	r.keepsSecrets("what an example printed", stdout.String())
	return stdout.String()
}

// answers judges the JSON documents that an example printed one after the other.
func (r *reading) answers(printed string) {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(printed))
	var all []any
	for {
		var one any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(r.t, err, printed)
		if object, ok := one.(map[string]any); ok {
			require.NotContains(r.t, object, "error", printed)
		}
		all = append(all, one)
	}
	commands := 0
	for _, b := range r.part.blocks {
		if b.language == "bash" {
			commands += strings.Count("\n"+b.text, "\ncurl ")
		}
	}
	require.Len(r.t, all, commands, "each command prints one answer")
}

// outcome judges what the examples of a section have done.
func (r *reading) outcome() {
	r.t.Helper()
	names := map[string]string{"Add a node": "My PVE Node", "Full example: monitor a new node": "pve-node-1"}
	switch name := names[r.part.heading]; {
	case name != "":
		r.awaitNode(r.pulse, "pve-0", "the added node", isStatus("connected"))
		r.await(r.pulse, "its guests", func(st state) error {
			if len(st.guests()) != 17 || st.guests()[0].Instance != name {
				return fmt.Errorf("%d guests", len(st.guests()))
			}
			return nil
		})
	case r.part.heading == "List, change and remove nodes":
		require.Len(r.t, r.nodes(r.pulse), 1)
		require.Contains(r.t, r.pulse.Log(), `"Main cluster"`)
	case r.part.heading == "System settings":
		var settings struct{ PollingInterval int }
		r.read(r.pulse, "/api/config/system", &settings)
		require.Equal(r.t, 15, settings.PollingInterval)
	}
}

// documented holds an answer that the guide shows to the one that Pulse gives: each field is there, with its type.
func (r *reading) documented(i int, text string) {
	r.t.Helper()
	var shown, given any
	require.NoError(r.t, json.Unmarshal([]byte(text), &shown), text)
	if r.part.heading == "Errors" {
		reply := r.ask(r.pulse, http.MethodPost, "/api/config/nodes", map[string]string{"type": "pve"})
		require.NoError(r.t, reply.JSON(&given))
		require.Equal(r.t, shown, given)
		return
	}
	require.Equal(r.t, "http", r.part.blocks[i-1].language, "an answer stands behind its request")
	line, _, _ := strings.Cut(r.part.blocks[i-1].text, "\n")
	path, ok := strings.CutPrefix(line, "GET ")
	require.True(r.t, ok, line)
	reply := r.ask(r.pulse, http.MethodGet, path, nil)
	require.NoError(r.t, reply.JSON(&given))
	sameShape(r.t, path, shown, given)
}

func sameShape(t *testing.T, where string, shown, given any) {
	t.Helper()
	require.IsType(t, shown, given, where)
	if object, ok := shown.(map[string]any); ok {
		for name, value := range object {
			require.Contains(t, given, name, where)
			sameShape(t, where+" "+name, value, given.(map[string]any)[name])
		}
	}
}

// javascript makes the connection that the example makes and waits for the updates that it prints.
func (r *reading) javascript(text string) {
	r.t.Helper()
	address := regexp.MustCompile(`new WebSocket\('([^']+)'\)`).FindStringSubmatch(text)
	require.NotNil(r.t, address)
	if r.pulse.Token != "" {
		address[1] += "?token=" + r.pulse.Token // as the guide says
	}
	conn, reply, err := websocket.DefaultDialer.DialContext(r.t.Context(), address[1], nil)
	require.NoError(r.t, err)
	defer func() { _ = errors.Join(reply.Body.Close(), conn.Close()) }() // all that was wanted was read
	for _, want := range []string{"welcome", "initialState", "rawData"} {
		var message struct{ Type string }
		require.NoError(r.t, conn.ReadJSON(&message))
		require.Equal(r.t, want, message.Type)
	}
}
