package api

import (
	"context"
	"net/http"
	"time"
)

// Health tells that Pulse answers.
type Health struct {
	Status    string  `json:"status" enum:"healthy" doc:"Always healthy: Pulse answers."`
	Timestamp int64   `json:"timestamp" doc:"The time now, in seconds since 1970." example:"1754995749"`
	Uptime    float64 `json:"uptime" doc:"Seconds since Pulse started." example:"166.187561244"`
}

type healthOutput struct{ Body Health }

func (a *API) registerHealth() {
	register(a, operation{
		id: "get-health", method: http.MethodGet, path: "/api/health", tag: tagService,
		summary: "Tell whether Pulse is alive",
		description: "Answers as long as the process does, whatever its targets and its store do. " +
			"Whether what it serves can be relied on is told by `/api/ready`. `timestamp` is in seconds since " +
			"1970, `uptime` in seconds.",
	}, a.getHealth)
}

func (a *API) getHealth(context.Context, *struct{}) (*healthOutput, error) {
	now := time.Now()
	return &healthOutput{Body: Health{
		Status: "healthy", Timestamp: now.Unix(), Uptime: now.Sub(a.opt.Started).Seconds(),
	}}, nil
}
