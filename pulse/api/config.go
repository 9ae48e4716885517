package api

import (
	"context"
	"net/http"
)

// PublicConfig is what a page needs to know before anything else.
type PublicConfig struct {
	PollingInterval   float64 `json:"pollingInterval" doc:"Seconds between two full readings of a target." example:"10"`
	CSRFProtection    bool    `json:"csrfProtection" doc:"Whether writes need a CSRF token. They do not: foreign pages are told by what browsers send." example:"false"`
	AutoUpdateEnabled bool    `json:"autoUpdateEnabled" doc:"Whether Pulse updates itself." example:"false"`
	UpdateChannel     string  `json:"updateChannel" doc:"The channel that updates come from; empty for the build's own." example:"stable"`
}

type publicConfigOutput struct{ Body PublicConfig }

func (a *API) registerConfig() {
	register(a, operation{
		id: "get-config", method: http.MethodGet, path: "/api/config", tag: tagSystem,
		summary:     "Read what a page needs to know",
		description: "`pollingInterval` is seconds. The settings in full are at `/api/config/system`.",
	}, a.getConfig)
}

func (a *API) getConfig(context.Context, *struct{}) (*publicConfigOutput, error) {
	return &publicConfigOutput{Body: PublicConfig{
		PollingInterval: a.opt.Monitor.Settings().PollingInterval.Seconds(),
		UpdateChannel:   a.opt.Version.Channel,
	}}, nil
}
