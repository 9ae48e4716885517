package api

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Document returns the OpenAPI document of the operations, without a monitor behind them. The version is that of the
// API, as it is written into the document. It has no examples of answers; [AddExamples] puts them in.
func Document(version string) *huma.OpenAPI {
	a := &API{}
	a.register(version)
	document := a.huma.OpenAPI()
	for _, op := range documented(document) {
		standard(op.Parameters)
	}
	return document
}

// standard takes out of the document what huma adds to the standard's schemas. What it is for, the texts of errors, is
// made already.
func standard(parameters []*huma.Param) {
	for _, p := range parameters {
		p.Schema.PatternDescription = ""
	}
}

const (
	securityScheme = "token"
	schemaPrefix   = "#/components/schemas/"
)

// humaConfig sets huma up without its pages, routes and error bodies. None of huma's package variables is touched, since
// the process may hold another huma API.
func humaConfig(version string) huma.Config {
	schemas := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Error]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "Pulse",
				Version: version,
				Description: "Live state of Proxmox VE clusters and Proxmox Backup Servers.\n\n" +
					"Where an API token is set, every operation but a few needs it; without one the API is open. " +
					"Every error has the body `{\"error\": \"…\"}`. Answers to changes carry the header `Pulse-Revision`; a " +
					"request that sends it back sees the change, also where several replicas serve. Sizes are bytes, times are RFC 3339 in UTC.",
				License: &huma.License{Name: "MIT", URL: "https://opensource.org/licenses/MIT"},
			},
			Servers:  []*huma.Server{{URL: "/", Description: "The Pulse that serves this document."}},
			Tags:     tags(),
			Security: []map[string][]string{{securityScheme: {}}, {"bearer": {}}, {"query": {}}},
			Components: &huma.Components{
				Schemas:         schemas,
				SecuritySchemes: securitySchemes(),
				Responses:       sharedResponses(schemas),
			},
		},
		Formats:       map[string]huma.Format{contentTypeJSON: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: contentTypeJSON,
		Transformers:  []huma.Transformer{plainError},
	}
}

// The tags, which group operations for readers.
const (
	tagState   = "State"
	tagNodes   = "Nodes"
	tagSystem  = "System"
	tagService = "Service"
)

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagState, Description: "What is observed: nodes, guests, storages, backup servers."},
		{Name: tagNodes, Description: "The configured targets: PVE clusters, single hosts, and backup servers."},
		{Name: tagSystem, Description: "Settings of Pulse as a whole."},
		{Name: tagService, Description: "Pulse itself: health, version, diagnostics."},
	}
}

func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		securityScheme: {
			Type: "apiKey", In: "header", Name: "X-API-Token",
			Description: "The token in API_TOKEN. X-API-Key is taken as well.",
		},
		"bearer": {Type: "http", Scheme: "bearer", Description: "The same token as Bearer, or alone in Authorization."},
		"query": {
			Type: "apiKey", In: "query", Name: "token",
			Description: "The same token, for what cannot set headers, as a browser's WebSocket.",
		},
	}
}

// errorAnswers describe every error status that an operation can have. The examples are what Pulse really says.
var errorAnswers = []struct {
	status               int
	description, example string
}{
	{http.StatusBadRequest, "The request is not valid; the error names the field.", "host: is required"},
	{http.StatusUnauthorized, "The token is missing or wrong.", "Invalid or missing API token"},
	{
		http.StatusForbidden, "Without a token: the request comes from a page of another origin, or names an unknown host.",
		"Requests from pages of another origin are refused: set ALLOWED_ORIGINS to that origin",
	},
	{http.StatusNotFound, "There is no such thing.", "Node not found"},
	{http.StatusRequestTimeout, "The body did not arrive in time.", "The body did not arrive in time"},
	{
		http.StatusConflict, "It exists already, or is declared in a file.",
		"the address https://192.0.2.7:8006 already belongs to pve1 (pve-0)",
	},
	{
		http.StatusRequestEntityTooLarge,
		"The body is too large; or the answer is, where Pulse runs as a function whose platform bounds it.",
		"The body is too large: want at most 64 KiB",
	},
	{
		http.StatusUnsupportedMediaType, "The body is not JSON.",
		"The body must be JSON, with Content-Type: application/json",
	},
	{http.StatusUpgradeRequired, "The request is no WebSocket handshake.", "This is a WebSocket: connect with ws:// or wss://"},
	{
		http.StatusTooManyRequests, "Too many wrong tokens came from this address, or too many nodes are tried out at once.",
		"Too many wrong API tokens from this address",
	},
	{
		http.StatusInternalServerError, "Pulse failed; its log tells why, under the request id.",
		"Something went wrong inside Pulse; its log tells more under request id 6f1d0b2c9e3a4f58",
	},
	{
		http.StatusNotImplemented, "The way this Pulse is deployed has no such thing, as a function has no WebSockets.",
		"There are no WebSockets here, since this Pulse is a function: ask for /api/state again instead, with the ETag of " +
			"the last answer in If-None-Match",
	},
	{
		http.StatusServiceUnavailable, "Pulse cannot do this now.",
		"Pulse cannot reach its store now; nothing was changed",
	},
}

// errorExample is an error's body. The sentence about a field that is not valid comes with its details.
func errorExample(sentence string) map[string]any {
	body := map[string]any{"error": sentence}
	if field, message, ok := strings.Cut(sentence, ": "); ok && !strings.Contains(field, " ") {
		body["details"] = []any{map[string]any{"location": "body." + field, "message": message}}
	}
	return body
}

// responseName is the name of an answer among the document's components.
func responseName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// sharedResponses are the answers that many operations have.
func sharedResponses(schemas huma.Registry) map[string]*huma.Response {
	schema := schemas.Schema(reflect.TypeFor[Error](), true, "Error")
	responses := map[string]*huma.Response{responseName(http.StatusNotModified): {
		Description: "The answer is the one whose ETag the request had in If-None-Match. Every answer to a GET has an ETag.",
		Headers:     map[string]*huma.Param{"ETag": etagHeader()},
	}}
	for _, answer := range errorAnswers {
		headers := map[string]*huma.Param{requestIDHeader: {
			Description: "The id under which Pulse logs the request.", Schema: &huma.Schema{Type: huma.TypeString},
		}}
		switch answer.status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			headers["Retry-After"] = &huma.Param{
				Description: "Seconds to wait before the next try.", Schema: &huma.Schema{Type: huma.TypeInteger},
			}
		}
		responses[responseName(answer.status)] = &huma.Response{
			Description: answer.description, Headers: headers,
			Content: map[string]*huma.MediaType{contentTypeJSON: {Schema: schema, Example: errorExample(answer.example)}},
		}
	}
	return responses
}
