package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"time"

	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

const (
	// answerMargin is what is kept of an invocation's time to get the answer out.
	answerMargin = 500 * time.Millisecond
	// openLimit bounds another try to open what could not be opened at init.
	openLimit = 5 * time.Second
	// refreshLimit bounds how long a request waits for what other processes wrote; what is known by then is served.
	refreshLimit = 2 * time.Second
	// storeRetrySeconds is how long a client should wait for the store to come back, as in the API.
	storeRetrySeconds = "5"
)

// gateway answers the events that are HTTP requests with the API.
type gateway struct {
	instance   *function.Instance
	log        *slog.Logger
	refreshing chan struct{} // taken while the store is read
}

func newGateway(i *function.Instance) *gateway {
	return &gateway{instance: i, log: i.Log, refreshing: make(chan struct{}, 1)}
}

// Invoke handles one event. The error is for the platform, which tells clients of a failure of its own: it is kept for
// events that are no requests, and for settings that turned out to be wrong.
func (g *gateway) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	f, err := frontOf(event)
	if err != nil {
		return nil, err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	r, err := f.request(event, g.instance.Config.BasePath)
	if bad, ok := errors.AsType[*badRequest](err); ok {
		return f.encode(refusal(http.StatusBadRequest, bad.sentence), &http.Request{Method: http.MethodGet})
	}
	if err != nil {
		return nil, err
	}
	r = r.WithContext(ctx)
	a, err := g.answer(r)
	if err != nil {
		return nil, err
	}
	return f.encode(a, r)
}

// inTime returns a context that ends before an invocation's does.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-answerMargin))
}

// answer has the API answer a request, from what the store holds now.
func (g *gateway) answer(r *http.Request) (*answer, error) {
	p, err := g.pulse(r.Context())
	switch {
	case err != nil && shells.Unreachable(err):
		g.log.Warn("the store cannot be reached", "err", err)
		a := newAnswer()
		a.header.Set("Retry-After", storeRetrySeconds)
		shells.Refuse(a, http.StatusServiceUnavailable, "Pulse cannot reach its store now; try again")
		return a, nil
	case err != nil:
		return nil, fmt.Errorf("open Pulse: %w", err)
	}
	g.refresh(r.Context(), p)
	a := g.serve(p.API, r)
	if path.Clean(r.URL.EscapedPath()) == "/ws" && (a.status == http.StatusUpgradeRequired || a.status == http.StatusNotImplemented) {
		a.replace(http.StatusNotImplemented, "There are no WebSockets here, since this Pulse is a function: "+
			"ask for /api/state again instead, with the ETag of the last answer in If-None-Match")
	}
	return a, nil
}

func (g *gateway) pulse(ctx context.Context) (*shells.Pulse, error) {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	return g.instance.Pulse(ctx)
}

// refresh brings the snapshot up to date. Where that fails the last one is served, which tells its age.
func (g *gateway) refresh(ctx context.Context, p *shells.Pulse) {
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	select {
	case g.refreshing <- struct{}{}:
		defer func() { <-g.refreshing }()
	case <-ctx.Done():
		return
	}
	if err := p.Monitor.Refresh(ctx); err != nil {
		g.log.Warn("what is served may be old: the store was not read", "err", err)
	}
}

// serve lets a handler answer. A panic becomes an error that a client can read.
func (g *gateway) serve(handler http.Handler, r *http.Request) (a *answer) {
	a = newAnswer()
	defer func() {
		if p := recover(); p != nil {
			g.log.Error("a handler panicked", "panic", p, "method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))
			a = refusal(http.StatusInternalServerError, "Something went wrong inside Pulse; its log tells more")
		}
		a.finish()
	}()
	handler.ServeHTTP(a, r)
	return a
}
