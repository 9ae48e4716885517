package api

import (
	"context"
	"net/http"
)

// VersionInfo tells which build of Pulse runs.
type VersionInfo struct {
	Version       string `json:"version" doc:"The release." example:"v5.0.0"`
	Build         string `json:"build" enum:"release,development" doc:"Whether it is a release build."`
	Runtime       string `json:"runtime" doc:"What Pulse is built with." example:"go"`
	Channel       string `json:"channel,omitempty" doc:"The channel that updates come from." example:"stable"`
	IsDocker      bool   `json:"isDocker" doc:"Whether Pulse runs in a container." example:"false"`
	IsDevelopment bool   `json:"isDevelopment" doc:"Whether it is no release build." example:"false"`
}

type versionOutput struct{ Body VersionInfo }

func (a *API) registerVersion() {
	register(a, operation{
		id: "get-version", method: http.MethodGet, path: "/api/version", tag: tagService,
		summary:     "Tell which version of Pulse runs",
		description: "A build that is no release has the version dev, and says so in `isDevelopment`.",
	}, a.getVersion)
}

func (a *API) getVersion(context.Context, *struct{}) (*versionOutput, error) {
	v := a.opt.Version
	info := VersionInfo{
		Version: v.Number, Build: "release", Runtime: "go", Channel: v.Channel,
		IsDocker: v.Docker, IsDevelopment: v.Development,
	}
	if v.Development {
		info.Build = "development"
	}
	return &versionOutput{Body: info}, nil
}
