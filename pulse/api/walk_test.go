package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
)

// walked is one operation of the document.
type walked struct {
	*huma.Operation
	method, path string // the path with its parameters filled in
}

func operations(t *testing.T) []walked {
	t.Helper()
	document := api.Document("test")
	var all []walked
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		item := document.Paths[path]
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				all = append(all, walked{Operation: op, method: method, path: strings.ReplaceAll(path, "{id}", "pve-0")})
			}
		}
	}
	require.Greater(t, len(all), 20)
	return all
}

func TestOnlyTheListedOperationsAreOpen(t *testing.T) {
	t.Parallel()
	open := []string{}
	l := newLab(t, guarded)
	for _, op := range operations(t) {
		answer := l.do(op.method, op.path, nil)
		if op.Security != nil {
			require.Empty(t, op.Security, op.OperationID)
			require.NotEqual(t, 401, answer.StatusCode, op.OperationID)
			open = append(open, op.method+" "+op.path)
			continue
		}
		answer.failure(t, 401)
		require.Contains(t, op.Responses, "401", op.OperationID)
		wrong := l.do(op.method, op.path, nil, "X-API-Token: wrong")
		require.Equal(t, 401, wrong.StatusCode, op.OperationID)
	}
	slices.Sort(open)
	require.Equal(t, []string{
		"GET /api/health", "GET /api/ready", "GET /api/security/status", "GET /api/version",
	}, open)
}

// example returns a body in which every known field has a value that is accepted.
func example(t *testing.T, schemas map[string]*huma.Schema, op walked) (map[string]any, *huma.Schema) {
	t.Helper()
	ref := op.RequestBody.Content["application/json"].Schema.Ref
	schema := schemas[ref[strings.LastIndex(ref, "/")+1:]]
	require.NotNil(t, schema, op.OperationID)
	body := map[string]any{}
	for name, field := range schema.Properties {
		switch {
		case len(field.Enum) > 0:
			body[name] = field.Enum[0]
		case field.Type == huma.TypeBoolean:
			body[name] = true
		case field.Type == huma.TypeInteger:
			body[name] = int(*field.Minimum)
		default:
			body[name] = "https://127.0.0.1"
		}
	}
	return body, schema
}

func TestWrongBodiesAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	schemas := api.Document("test").Components.Schemas.Map()
	settings := l.monitor.Settings()
	tried := 0
	refuse := func(op walked, what string, body map[string]any) {
		answer := l.do(op.method, op.path, body)
		tried++
		require.GreaterOrEqual(t, answer.StatusCode, 400, "%s: %s: %s", op.OperationID, what, answer.body)
		require.Less(t, answer.StatusCode, 500, "%s: %s: %s", op.OperationID, what, answer.body)
		said := answer.failure(t, answer.StatusCode)
		field, _, _ := strings.Cut(what, " ")
		require.Contains(t, said, field, op.OperationID)
		require.Empty(t, l.monitor.Snapshot().Targets, op.OperationID)
		require.Equal(t, settings, l.monitor.Settings(), op.OperationID)
	}
	for _, op := range operations(t) {
		if op.RequestBody == nil {
			continue
		}
		require.True(t, op.RequestBody.Required, op.OperationID)
		good, schema := example(t, schemas, op)
		for _, name := range schema.Required {
			body := maps.Clone(good)
			delete(body, name)
			refuse(op, name+" missing", body)
			body[name] = nil
			refuse(op, name+" null", body)
		}
		for name, field := range schema.Properties {
			for what, value := range wrongFor(field) {
				body := maps.Clone(good)
				body[name] = value
				refuse(op, name+" "+what, body)
			}
		}
	}
	require.Greater(t, tried, 150)
}

// wrongFor returns values that a field must not take.
func wrongFor(field *huma.Schema) map[string]any {
	wrong := map[string]any{"as a list": []int{1}, "as an object": map[string]int{"a": 1}}
	switch field.Type {
	case huma.TypeBoolean:
		wrong["as a string"], wrong["as a number"] = "true", 1
	case huma.TypeInteger:
		wrong["as a string"], wrong["fraction"] = "5", 5.5
		wrong["negative"], wrong["zero"], wrong["huge"] = -1, 0, json.Number("1e300")
		wrong["just too large"] = *field.Maximum + 1
	default:
		wrong["as a number"], wrong["as a boolean"] = 5, true
		wrong["huge"] = strings.Repeat("a", 12_000)
	}
	return wrong
}

func TestEveryBodyInTheDocumentIsNamedAndEveryFieldDescribed(t *testing.T) {
	t.Parallel()
	document := api.Document("test")
	for name, schema := range document.Components.Schemas.Map() {
		require.NotRegexp(t, "(Request|Response|Body|Struct|Item|Value)$", strings.TrimPrefix(name, "StreamRequest"))
		require.NotEqual(t, "ErrorModel", name)
		for field, s := range schema.Properties {
			described := s.Description != "" || s.Ref != ""
			require.True(t, described, "%s.%s has no description", name, field)
		}
	}
	for _, op := range operations(t) {
		require.NotEmpty(t, op.Summary, op.OperationID)
		require.NotEmpty(t, op.Tags, op.OperationID)
		for status, response := range op.Responses {
			require.NotContains(t, response.Content, "application/problem+json", op.OperationID)
			require.NotEqual(t, "422", status)
			require.NotEqual(t, "default", status)
			if response.Ref == "" {
				require.NotEmpty(t, response.Description, "%s %s", op.OperationID, status)
				continue
			}
			name := response.Ref[strings.LastIndex(response.Ref, "/")+1:]
			require.Contains(t, document.Components.Responses, name, op.OperationID)
		}
	}
}

func TestEveryAnswerIsDocumented(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	for _, op := range operations(t) {
		for _, body := range []any{nil, "{", "{}"} {
			answer := l.do(op.method, op.path, body)
			require.Contains(t, op.Responses, fmt.Sprint(answer.StatusCode), "%s: %s", op.OperationID, answer.body)
		}
	}
}

func TestEveryOperationIsAddedByOneFunction(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var calls []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for range strings.Count(string(source), "huma.Register(") + strings.Count(string(source), ".AddOperation(") +
			strings.Count(string(source), ".HandleFunc(") + strings.Count(string(source), "mux.Handle(") {
			calls = append(calls, name)
		}
	}
	require.Equal(t, []string{"register.go"}, calls)
}
