package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/proxpulse/proxpulse/pulse/wire"
)

// documentOutput answers with a document that is encoded already.
type documentOutput struct{ Body func(huma.Context) }

func document(d *wire.Document) *documentOutput {
	return &documentOutput{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		serveDocument(w, r, d)
	}}
}

func serveDocument(w http.ResponseWriter, r *http.Request, d *wire.Document) {
	header := w.Header()
	header.Add("Vary", "Accept-Encoding")
	coding := chooseCoding(r.Header.Get("Accept-Encoding"), codingZstd, codingGzip)
	etag := codingETag(d.ETag(), coding)
	header.Set("ETag", etag)
	if matchesETag(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	var body []byte
	switch coding {
	case codingZstd:
		body = d.Zstd()
	case codingGzip:
		body = d.Gzip()
	default:
		body = d.Plain()
	}
	if coding != "" {
		header.Set("Content-Encoding", coding)
	}
	header.Set("Content-Type", contentTypeJSON)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// documentResponse is the documented success of an operation that serves a document of the given type.
func (a *API) documentResponse(body any, description string) *huma.Response {
	return &huma.Response{
		Description: description, Headers: map[string]*huma.Param{"ETag": etagHeader()},
		Content: map[string]*huma.MediaType{contentTypeJSON: {Schema: a.schemaOf(body)}},
	}
}

func etagHeader() *huma.Param {
	return &huma.Param{
		Description: "Changes with the content; send it as If-None-Match to be spared the same document.",
		Schema:      &huma.Schema{Type: huma.TypeString},
	}
}

// schemaOf registers the schema of a body that no handler's type tells.
func (a *API) schemaOf(body any) *huma.Schema {
	t := reflect.TypeOf(body)
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// named gives a schema a name that no type of Go gives it, and returns a reference to it.
func named(r huma.Registry, name string, schema *huma.Schema) *huma.Schema {
	schema.PrecomputeMessages()
	r.Map()[name] = schema
	return &huma.Schema{Ref: schemaPrefix + name}
}

// conditionalInput documents the header; the document is compared where it is written.
type conditionalInput struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the document that the client has."`
}

func (a *API) registerState() {
	register(a, operation{
		id: "get-state", method: http.MethodGet, path: "/api/state", tag: tagState,
		summary: "Read everything that is observed",
		description: "The answer never waits for a target: it is what was last read, and each resource tells in " +
			"`freshness` whether it speaks of the present. The older fields have no word for what is not known; " +
			"`unknown` lists those whose number is only a stand-in. Memory and disk sizes are bytes, `usage` is a " +
			"percentage from 0 to 100, `cpu` a share of all cores from 0 to 1, rates are bytes per second with -1 while " +
			"there is none, and `uptime` is seconds.",
		errors:  []int{http.StatusRequestEntityTooLarge},
		success: a.documentResponse(State{}, "Everything that is observed, as of one moment."),
	}, a.getState)
}

func (a *API) getState(context.Context, *conditionalInput) (*documentOutput, error) {
	return document(a.opt.Monitor.Snapshot().Wire.State()), nil
}
