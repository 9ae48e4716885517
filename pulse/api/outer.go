package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"
)

// writeTimeout is how long one answer may take to be written; a stream has its own rule.
const writeTimeout = 90 * time.Second

// respond is the outermost layer: it holds the answer back, turns a panic into an error that a client can read, and logs.
func (a *API) respond(next http.Handler) http.Handler {
	return http.HandlerFunc(func(outer http.ResponseWriter, r *http.Request) {
		started := time.Now()
		w := &response{ResponseWriter: outer, request: r, gzip: &a.gzip}
		// Where there is no connection, as in a function, there is no deadline either.
		_ = http.NewResponseController(outer).SetWriteDeadline(started.Add(writeTimeout))
		boundBody(outer, r)
		defer a.conclude(w, r, started)
		next.ServeHTTP(w, r)
	})
}

// conclude ends a request, also after a panic. It is deferred.
func (a *API) conclude(w *response, r *http.Request, started time.Time) {
	if p := recover(); p != nil {
		a.recovered(w, r, p)
	}
	w.finish()
	// The query is left out: it may carry the token.
	a.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method),
		slog.String("path", r.URL.Path), slog.Int("status", w.status),
		slog.Duration("took", time.Since(started)), slog.String("request", requestID(r.Context())))
}

func (a *API) recovered(w *response, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	a.log.Error("a handler panicked", "panic", p, "method", r.Method, "path", r.URL.Path,
		"request", requestID(r.Context()), "stack", string(debug.Stack()))
	if !w.discard() {
		panic(http.ErrAbortHandler) // part of the answer is out: only cutting it off tells the client
	}
	writeError(w, internalError(r.Context()))
}

// route sends a request to the operations, or to the page. Nothing redirects: an unclean path is served as if it were
// clean, and the slash at its end is ignored.
func (a *API) route() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := path.Clean("/" + r.URL.EscapedPath())
		if !isOperation(clean) {
			a.servePage(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cache-Control", "private, no-cache")
		if unescaped, err := url.PathUnescape(clean); err == nil && clean != r.URL.EscapedPath() {
			target := *r.URL
			target.Path, target.RawPath = unescaped, clean
			cleaned := *r
			cleaned.URL = &target
			r = &cleaned
		}
		a.serveOperation(w, r)
	})
}

func isOperation(clean string) bool {
	return clean == "/api" || strings.HasPrefix(clean, "/api/") || clean == "/ws" || strings.HasPrefix(clean, "/ws/")
}

// serveOperation calls the mux, except that its plain-text answers to unknown paths and methods become JSON.
func (a *API) serveOperation(w http.ResponseWriter, r *http.Request) {
	handler, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	miss := probe{header: http.Header{}}
	handler.ServeHTTP(&miss, r)
	if miss.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", miss.header.Get("Allow")+", OPTIONS")
		writeError(w, newError(http.StatusMethodNotAllowed, "Method not allowed"))
		return
	}
	writeError(w, newError(http.StatusNotFound, "Not found"))
}

// probe takes an answer that is not sent.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header            { return p.header }
func (p *probe) WriteHeader(status int)         { p.status = status }
func (p *probe) Write(data []byte) (int, error) { return len(data), nil }

func (a *API) servePage(w http.ResponseWriter, r *http.Request) {
	switch {
	case a.opt.Page == nil:
		writeError(w, newError(http.StatusNotFound, "Not found; the API is below /api"))
	case !isRead(r.Method):
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		writeError(w, newError(http.StatusMethodNotAllowed, "Method not allowed"))
	default:
		a.opt.Page.ServeHTTP(w, r)
	}
}
