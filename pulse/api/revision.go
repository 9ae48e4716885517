package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/proxpulse/proxpulse/pulse"
)

// revisionHeader carries the revision of the configuration: answers to changes have it, and a client that sends it back
// is answered only by a process that has the change in force, whichever of several replicas it reaches.
const revisionHeader = "Pulse-Revision"

// revisionLimit is how long a request waits for the revision it asks for.
const revisionLimit = time.Second

// changesConfiguration marks the operations whose answers carry the revision.
const changesConfiguration = "changes-configuration"

// awaitRevision lets a request wait until the revision it carries is in force.
func (a *API) awaitRevision(ctx huma.Context, next func(huma.Context)) {
	wanted := ctx.Header(revisionHeader)
	if wanted == "" || isOpen(ctx.Operation()) {
		a.passRevision(ctx, next)
		return
	}
	limited, cancel := context.WithTimeout(ctx.Context(), revisionLimit)
	defer cancel()
	err := a.opt.Monitor.AwaitRevision(limited, wanted)
	if err == nil {
		a.passRevision(ctx, next)
		return
	}
	_, w := humago.Unwrap(ctx)
	if errors.Is(err, pulse.ErrBadRevision) {
		writeError(w, &Error{
			status: http.StatusBadRequest, Message: revisionHeader + ": want the value of that header in an earlier answer",
			Details: []ErrorDetail{{Location: "header." + revisionHeader, Message: "want the value of an earlier answer"}},
		})
		return
	}
	writeError(w, &Error{
		status: http.StatusServiceUnavailable, retryAfter: revisionLimit,
		Message: "This replica has not followed the configuration as far as " + revisionHeader + " asks yet",
	})
}

// passRevision has the answer to a change carry the revision.
func (a *API) passRevision(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().Metadata[changesConfiguration] == true {
		ctx = revised{ctx, a.opt.Monitor}
	}
	next(ctx)
}

// revised adds the revision to an answer that is a success.
type revised struct {
	humaContext
	monitor *pulse.Monitor
}

func (c revised) Unwrap() huma.Context { return c.humaContext }

func (c revised) SetStatus(status int) {
	if status < http.StatusBadRequest {
		c.SetHeader(revisionHeader, c.monitor.Revision())
	}
	c.humaContext.SetStatus(status)
}

// revisionHeaders describe the header of an answer to a change.
func revisionHeaders() map[string]*huma.Param {
	return map[string]*huma.Param{
		revisionHeader: {
			Description: "The revision of the configuration after the change. A request that sends it back in a header of " +
				"this name is answered only with that change in force, whichever of several replicas it reaches: 503 when " +
				"that takes more than a second, 400 when the value is none.",
			Schema: &huma.Schema{Type: huma.TypeString, Examples: []any{"9f86d081884c7d65.12"}},
		},
	}
}
