package contract

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/openapi"
)

// told is what the document tells people and generators of an operation.
type told struct {
	method, path                      string
	OperationID, Summary, Description string
	Tags                              []string
	Parameters                        []struct{ In, Name, Description string }
	RequestBody                       *struct{}
	Security                          *[]any // nil: what the whole document has
	Responses                         map[string]toldAnswer
}

type toldAnswer struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]toldMedia
}

type toldMedia struct {
	Schema   map[string]any
	Example  json.RawMessage
	Examples map[string]struct{ Value json.RawMessage }
}

func (m toldMedia) examples() (all []json.RawMessage) {
	if m.Example != nil {
		all = append(all, m.Example)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Examples)) {
		all = append(all, m.Examples[name].Value)
	}
	return all
}

// tellings are the operations of the document, with the answers that they share filled in.
func tellings(t *testing.T) (all []told) {
	t.Helper()
	var document struct {
		Paths      map[string]map[string]told
		Components struct{ Responses map[string]toldAnswer }
	}
	require.NoError(t, json.Unmarshal(openapi.JSON, &document))
	for path, methods := range document.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			for status, answer := range op.Responses {
				if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
					op.Responses[status] = document.Components.Responses[name]
				}
			}
			all = append(all, op)
		}
	}
	require.Greater(t, len(all), 20)
	return all
}

func TestEveryOperationIsDescribedInFull(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, op := range tellings(t) {
		at := op.method + " " + op.path
		require.NotEmpty(t, op.OperationID, at)
		require.False(t, ids[op.OperationID], "%s is the id of two operations", op.OperationID)
		ids[op.OperationID] = true
		require.NotEmpty(t, op.Summary, at)
		require.NotEmpty(t, op.Tags, at)
		require.Greater(t, len(op.Description), len("Not a sentence."), at)
		for _, p := range op.Parameters {
			require.NotEmpty(t, p.Description, "%s: %s", at, p.Name)
		}
		require.Equal(t, strings.Count(op.path, "{"), count(op, "path"), at)
		for _, status := range op.statuses() {
			require.Contains(t, op.Responses, strconv.Itoa(status), "%s can be answered with %d", at, status)
		}
	}
}

func count(op told, in string) (n int) {
	for _, p := range op.Parameters {
		if p.In == in {
			n++
		}
	}
	return n
}

// statuses are those that follow from what an operation is.
func (op told) statuses() []int {
	statuses := []int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if op.Security == nil {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if op.RequestBody != nil {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType)
	}
	switch {
	case op.path == "/ws":
		return append(statuses, http.StatusSwitchingProtocols, http.StatusUpgradeRequired, http.StatusNotImplemented)
	case op.method == http.MethodGet:
		return append(statuses, http.StatusOK, http.StatusNotModified)
	}
	return statuses
}

func TestEveryAnswerIsDescribedWithAnExampleThatFitsIt(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, op := range tellings(t) {
		successes := 0
		for text, answer := range op.Responses {
			status, err := strconv.Atoi(text)
			require.NoError(t, err)
			at := op.OperationID + " " + text
			require.NotEmpty(t, answer.Description, at)
			if status < http.StatusMultipleChoices {
				successes++
			}
			if status == http.StatusNotModified {
				require.Empty(t, answer.Content, at)
				continue
			}
			require.Len(t, answer.Content, 1, at)
			for media, content := range answer.Content {
				require.NotNil(t, content.Schema, at)
				require.NotEmpty(t, content.examples(), "%s has no example", at)
				for _, example := range content.examples() {
					header := http.Header{"Content-Type": {media}}
					require.NoError(t, d.Answer(op.method, op.path, status, header, example))
				}
			}
		}
		require.Equal(t, 1, successes, op.OperationID)
	}
}

// TestErrorsHaveOneSchema holds every error to the one that has always been: {"error": ..., "details"?}. What is not
// ready has reasons besides, and a failed try says more.
func TestErrorsHaveOneSchema(t *testing.T) {
	t.Parallel()
	var shared map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"$ref":"#/components/schemas/Error"}`), &shared))
	for _, op := range tellings(t) {
		for status, answer := range op.Responses {
			if status < "400" {
				continue
			}
			schema := answer.Content["application/json"].Schema
			if at := op.OperationID + " " + status; at == "test-connection 400" || at == "get-ready 503" {
				require.Contains(t, schema["anyOf"], any(shared))
				continue
			}
			require.Equal(t, shared, schema, "%s %s", op.OperationID, status)
		}
	}
}

// counted are the numbers that count things or name one, so that they have no unit.
var counted = []string{
	"apiCallDuration", "backendPort", "clusterNodeCount", "cores", "cpuLimit", "cpus", "datastoreCount", "datastore_count",
	"depth", "failedApiCalls", "failures", "frontendPort", "guest_count", "loadAverage", "nodeCount", "node_count", "nodes",
	"numCPU", "numGoroutine", "pollingCycles", "port", "requests", "sockets", "streamClients", "totalApiCalls", "vmid",
	"webSocketClients",
}

func TestEveryNumberHasItsUnit(t *testing.T) {
	t.Parallel()
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]property }
		}
	}
	require.NoError(t, json.Unmarshal(openapi.JSON, &document))
	unit := regexp.MustCompile(`(?i)bytes|seconds|percent|share|MiB`)
	numbers := 0
	for name, schema := range document.Components.Schemas {
		for field, p := range schema.Properties {
			if !p.number() {
				continue
			}
			numbers++
			if !slices.Contains(counted, field) {
				require.Regexp(t, unit, p.Description+" "+field, "%s.%s: neither its name nor its description has a unit", name, field)
			}
		}
	}
	require.Greater(t, numbers, 80)
}

// property is a field of a schema.
type property struct {
	Description string
	Type        any // a word, or a list of them
	Items       *property
}

func (p property) number() bool {
	kinds, ok := p.Type.([]any)
	if !ok {
		kinds = []any{p.Type}
	}
	return slices.Contains(kinds, any("integer")) || slices.Contains(kinds, any("number")) || (p.Items != nil && p.Items.number())
}
