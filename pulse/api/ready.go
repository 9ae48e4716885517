package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Ready tells whether what Pulse serves can be relied on.
type Ready struct {
	Ready   bool     `json:"ready" doc:"True once the configuration is loaded, the store works and every target was tried." example:"true"`
	Reasons []string `json:"reasons" nullable:"false" doc:"Why not, each as one sentence."`
}

type readyOutput struct {
	Status int
	Body   Ready
}

func (a *API) registerReady() {
	unready := &huma.Schema{AnyOf: []*huma.Schema{a.schemaOf(Ready{}), a.schemaOf(Error{})}}
	register(a, operation{
		id: "get-ready", method: http.MethodGet, path: "/api/ready", tag: tagService,
		summary: "Tell whether Pulse is ready",
		description: "A target that does not answer does not make Pulse unready: that is what Pulse is there to show. " +
			"Load balancers and service managers ask here.",
		more: map[string]*huma.Response{"503": {
			Description: "Not ready; the reasons say why, or the error where nothing more can be told.",
			Content:     map[string]*huma.MediaType{contentTypeJSON: {Schema: unready}},
		}},
	}, a.getReady)
}

func (a *API) getReady(context.Context, *struct{}) (*readyOutput, error) {
	readiness := a.opt.Monitor.Ready()
	out := &readyOutput{Status: http.StatusOK, Body: Ready{Ready: readiness.Ready, Reasons: readiness.Reasons}}
	if out.Body.Reasons == nil {
		out.Body.Reasons = []string{}
	}
	if !readiness.Ready {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}
