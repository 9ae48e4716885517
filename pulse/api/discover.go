package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Discovered lists servers that can be told apart without searching the network.
type Discovered struct {
	Servers []DiscoveredServer `json:"servers" nullable:"false" doc:"The configured servers."`
}

// DiscoveredServer is a known server.
type DiscoveredServer struct {
	IP       string `json:"ip" doc:"The address or name it is reached by." example:"192.168.1.100"`
	Port     int    `json:"port" doc:"The port it is reached by." example:"8006"`
	Type     string `json:"type" enum:"pve,pbs" doc:"What it runs."`
	Version  string `json:"version" doc:"Its version, or nothing before it answered." example:"9.2.11"`
	Hostname string `json:"hostname,omitempty" doc:"Its configured name." example:"pve1"`
}

type discoverOutput struct{ Body Discovered }

func (a *API) registerDiscover() {
	register(a, operation{
		id: "discover", method: http.MethodGet, path: "/api/discover", tag: tagNodes,
		summary:     "List known servers",
		description: "Pulse does not scan the network; this answers what is configured.",
		errors:      []int{http.StatusRequestEntityTooLarge},
	}, a.discover)
}

func (a *API) discover(context.Context, *struct{}) (*discoverOutput, error) {
	targets := a.opt.Monitor.Snapshot().Targets
	out := &discoverOutput{Body: Discovered{Servers: make([]DiscoveredServer, 0, len(targets))}}
	for _, t := range targets {
		server := DiscoveredServer{
			Type: string(t.Config.Kind()), Hostname: t.Config.Name, Version: versionOf(t.Observation),
		}
		if u, err := url.Parse(t.Config.Address); err == nil {
			server.IP = u.Hostname()
			server.Port, _ = strconv.Atoi(u.Port())
		}
		out.Body.Servers = append(out.Body.Servers, server)
	}
	return out, nil
}

// versionOf is the version of what a target runs, or nothing while it is unknown.
func versionOf(o *estate.Observation) string {
	switch {
	case o == nil:
		return ""
	case o.Server != nil:
		return o.Server.Version
	default:
		return o.Cluster.Version
	}
}
