package api

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The bounds of one request. Asking a target takes longer than reading a snapshot.
const (
	maxBody         = 64 << 10
	bodyTimeout     = 10 * time.Second
	handlerTimeout  = 20 * time.Second
	targetTimeout   = 45 * time.Second
	contentTypeJSON = "application/json"
)

// operation describes one operation to register.
type operation struct {
	id, method, path     string
	tag                  string
	summary, description string
	status               int            // of success; 0 is 200
	errors               []int          // beside those that every operation can answer
	success              *huma.Response // written by hand where the body is; nil lets the output type describe it
	more                 map[string]*huma.Response
	timeout              time.Duration // 0 is handlerTimeout
	stream               bool          // the handler keeps the connection, so that no timeout applies
	changes              bool          // the configuration, so that the answer carries its revision
	older                bool          // clients of earlier releases use it, and were never asked for a Content-Type
}

// register adds an operation. It is the only way to add one: security, limits, documented answers and the mapping of
// errors are the same for all.
func register[I, O any](a *API, op operation, handler func(context.Context, *I) (*O, error)) {
	status := op.status
	if status == 0 {
		status = http.StatusOK
	}
	described := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.description, DefaultStatus: status,
		MaxBodyBytes:    maxBody + 2, // huma refuses a body of exactly its limit; readBody has the real one
		BodyReadTimeout: -1,          // readBody has it, and takes it off again before the handler runs
		Responses:       a.responses(op, reflect.TypeFor[I]()),
		Metadata:        map[string]any{untypedBodies: op.older, changesConfiguration: op.changes},
	}
	if isOpen(&described) {
		described.Security = []map[string][]string{}
	}
	if op.success != nil {
		described.Responses[strconv.Itoa(status)] = op.success
	}
	maps.Copy(described.Responses, op.more)
	if op.changes {
		described.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status), Headers: revisionHeaders(),
		}
	}
	timeout := op.timeout
	if timeout == 0 {
		timeout = handlerTimeout
	}
	huma.Register(a.huma, described, func(ctx context.Context, in *I) (*O, error) {
		if !op.stream {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.answer(ctx, op.id, err)
		}
		return out, nil
	})
}

// answer turns a handler's error into one for the client. It must see every error before huma does: huma sends the text
// of those it does not know.
func (a *API) answer(ctx context.Context, operation string, err error) error {
	if known := clientError(err); known != nil {
		if known.GetStatus() >= http.StatusInternalServerError {
			a.log.Warn("request failed", "operation", operation, "request", requestID(ctx), "err", err)
		}
		return known
	}
	a.log.Error("request failed", "operation", operation, "request", requestID(ctx), "err", err)
	return internalError(ctx)
}

// responses are what an operation can answer beside success.
func (a *API) responses(op operation, input reflect.Type) map[string]*huma.Response {
	statuses := append([]int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}, op.errors...)
	if !openOperations[op.method+" "+op.path] {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if _, ok := input.FieldByName("Body"); ok {
		statuses = append(statuses, http.StatusRequestTimeout,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if op.method == http.MethodGet && !op.stream {
		statuses = append(statuses, http.StatusNotModified)
	}
	responses := map[string]*huma.Response{}
	for _, status := range statuses {
		responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + responseName(status)}
	}
	return responses
}
