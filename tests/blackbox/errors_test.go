package blackbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/openapi"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// errorExample is the example that the OpenAPI document gives of an error.
func errorExample(t *testing.T, status int) string {
	t.Helper()
	var document struct {
		Components struct {
			Responses map[string]struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	require.NoError(t, json.Unmarshal(openapi.JSON, &document))
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	example := document.Components.Responses[name].Content["application/json"].Example
	require.NotEmpty(t, example, name)
	return string(example)
}

// TestErrorsAreThoseOfTheDocument provokes the errors of the document's examples. The one about a body that does not come
// is held to its example where that takes its time; those about a failing Pulse and its store have no such cause.
func TestErrorsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	const nodes = "/api/config/nodes"
	s := newSite(t)
	open, guarded := s.start(lab.PulseOptions{}), s.start(lab.PulseOptions{Token: apiToken})
	taken := withToken("pve", "pve1", "https://192.0.2.7:8006", sim.Credential{TokenID: "a@pve!b", TokenSecret: "not-a-secret"})
	s.add(open, taken)
	for status, provoke := range map[int]func() lab.Reply{
		400: func() lab.Reply { return s.ask(open, "POST", nodes, map[string]string{"type": "pve"}) },
		401: func() lab.Reply { return s.send(guarded, "GET", nodes, func(*http.Request) {}) },
		403: func() lab.Reply {
			return s.send(open, "DELETE", nodes+"/pve-0", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") })
		},
		404: func() lab.Reply { return s.ask(open, "DELETE", nodes+"/pve-77", nil) },
		409: func() lab.Reply { return s.ask(open, "POST", nodes, taken) },
		413: func() lab.Reply { return s.ask(open, "POST", nodes, bytes.Repeat([]byte(" "), 70<<10)) },
		415: func() lab.Reply {
			return s.send(open, "POST", nodes, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") })
		},
		426: func() lab.Reply { return s.ask(open, "GET", "/ws", nil) },
		429: func() lab.Reply {
			var reply lab.Reply
			for i := range 12 {
				reply = s.send(guarded, "GET", nodes, func(r *http.Request) { r.Header.Set("X-API-Token", fmt.Sprint("guess", i)) })
			}
			require.NotEmpty(t, reply.Header.Get("Retry-After"))
			return reply
		},
	} {
		reply := provoke()
		require.Equal(t, status, reply.Status, "%s", reply.Body)
		require.JSONEq(t, errorExample(t, status), string(reply.Body))
	}
}

// TestReadsAreSparedWhatIsKnown sends each answer's ETag back, which works for every read.
func TestReadsAreSparedWhatIsKnown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{})
	for _, operation := range s.operations(p) {
		method, path, _ := strings.Cut(operation, " ")
		if method != http.MethodGet || strings.Contains(path, "{") || path == "/ws" {
			continue
		}
		etag := s.ask(p, method, path, nil).Header.Get("ETag")
		require.NotEmpty(t, etag, path)
		reply := s.send(p, method, path, func(r *http.Request) { r.Header.Set("If-None-Match", "*") })
		require.Equal(t, http.StatusNotModified, reply.Status, path)
	}
}
