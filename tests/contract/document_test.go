package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func load(t *testing.T) *Document {
	t.Helper()
	d, err := Load()
	require.NoError(t, err)
	return d
}

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	d := load(t)
	require.Greater(t, len(d.Operations()), 20)
	const health = `{"status":"healthy","timestamp":1754995749,"uptime":1.5}`
	for name, tt := range map[string]struct {
		method, target string
		status         int
		kind, body     string
		wrong          string // empty: nothing
	}{
		"as documented":            {"GET", "/api/health", 200, "application/json", health, ""},
		"with a query":             {"GET", "/api/health?token=x", 200, "application/json; charset=utf-8", health, ""},
		"a field too many":         {"GET", "/api/health", 200, "application/json", health[:len(health)-1] + `,"more":1}`, "more"},
		"a field too few":          {"GET", "/api/health", 200, "application/json", `{"status":"healthy","timestamp":1}`, "uptime"},
		"a word too many":          {"GET", "/api/health", 200, "application/json", `{"status":"ill","timestamp":1,"uptime":1}`, "healthy"},
		"no time":                  {"GET", "/api/state", 200, "application/json", `{"lastUpdate":"soon"}`, "date-time"},
		"no JSON":                  {"GET", "/api/health", 200, "application/json", "healthy", "decode"},
		"another type":             {"GET", "/api/health", 200, "text/plain", health, "text/plain"},
		"no type":                  {"GET", "/api/health", 200, "", health, "content type"},
		"no body":                  {"GET", "/api/health", 200, "application/json", "", "no body"},
		"an undocumented status":   {"GET", "/api/health", 418, "application/json", `{"error":"x"}`, "status 418 is not documented"},
		"HEAD":                     {"HEAD", "/api/health", 200, "application/json", "", ""},
		"OPTIONS":                  {"OPTIONS", "/api/health", 200, "", "", ""},
		"the page":                 {"GET", "/", 200, "text/html", "<html>", ""},
		"not modified":             {"GET", "/api/state", 304, "", "", ""},
		"not modified, and a body": {"GET", "/api/state", 304, "application/json", "{}", "should have none"},
		"the shared errors":        {"GET", "/api/storage/a%2Fb", 404, "application/json", `{"error":"no"}`, ""},
		"an unclean path":          {"GET", "//api/x/../storage//pve-0/", 404, "application/json", `{"error":"no"}`, ""},
		"an error with more":       {"GET", "/api/storage/a", 404, "application/json", `{"error":"no","stack":"x"}`, "stack"},
		"no such path":             {"GET", "/api/none", 404, "application/json", `{"error":"no"}`, ""},
		"no such path, in text":    {"GET", "/api/none", 404, "text/plain", "404 page not found", "text/plain"},
		"a path without a word":    {"GET", "/api/none", 200, "application/json", "{}", "in no document"},
		"no such method":           {"PATCH", "/api/state", 405, "application/json", `{"error":"no"}`, ""},
		"a literal before a name":  {"PUT", "/api/config/nodes/test-config", 400, "application/json", `{"error":"no"}`, ""},
		"YAML":                     {"GET", "/api/openapi.yaml", 200, "application/yaml", "openapi: 3.1.0\n", ""},
		"no YAML":                  {"GET", "/api/openapi.yaml", 200, "application/yaml", "\t{", "decode"},
		"no escape":                {"GET", "/api/storage/%zz", 404, "application/json", "{}", "escape"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if tt.kind != "" {
				header.Set("Content-Type", tt.kind)
			}
			err := d.Answer(tt.method, tt.target, tt.status, header, []byte(tt.body))
			if tt.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wrong)
		})
	}
}

func TestRequestsHaveAnOperation(t *testing.T) {
	t.Parallel()
	d := load(t)
	for request, want := range map[string]string{
		"GET /api/storage/a%2Fb?x=/":             "get-storage",
		"HEAD /api/storage/":                     "list-storage",
		"POST /api/config/nodes/test-connection": "test-connection",
		"POST /api/config/nodes/pve-0/test":      "test-node",
		"PATCH /api/state":                       "",
		"GET /api/none":                          "",
		"GET /api/%zz":                           "",
	} {
		method, target, _ := strings.Cut(request, " ")
		op, ok := d.Operation(method, target)
		require.Equal(t, want, op.ID, request)
		require.Equal(t, want != "", ok, request)
	}
}

func TestMessagesAreJudged(t *testing.T) {
	t.Parallel()
	d := load(t)
	require.NoError(t, d.Message([]byte(`{"type":"pong","data":{"timestamp":7},"timestamp":"2026-01-02T03:04:05Z"}`)))
	require.Error(t, d.Message([]byte(`{"type":"pong","data":{"timestamp":7}}`)))
	require.Error(t, d.Message([]byte(`{"type":"bang","data":{"timestamp":7},"timestamp":"2026-01-02T03:04:05Z"}`)))
}

func TestABrokenDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "[]",
		`{"components":{"schemas":{"Error":{}}},"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/none"}}}}}}}}}`,
		`{"paths":{}}`,
	} {
		_, err := read([]byte(text))
		require.Error(t, err, text)
	}
}
