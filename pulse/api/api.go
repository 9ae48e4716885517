package api

import (
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/proxpulse/proxpulse/pulse"
)

// Options say what an [API] serves, and to whom. Monitor is required.
type Options struct {
	Monitor *pulse.Monitor
	// Token guards the API. Empty leaves it open to everybody who can reach it.
	Token string
	// AllowedOrigins are web origins that may use the API beside those of the settings, as https://pulse.example.com.
	// "*" allows all, and counts only with a Token.
	AllowedOrigins []string
	// AllowUnprotectedExport is shown by the security status.
	AllowUnprotectedExport bool
	// Version is what runs.
	Version Version
	// Page serves everything that is no operation; nil serves nothing there.
	Page http.Handler
	// Logger is told what happens; nil discards. Requests are logged at debug level, without their queries.
	Logger *slog.Logger
	// Hostname is the machine's own name, under which browsers may reach an open API.
	Hostname string
	// Port is the port that clients use, shown by the system settings; 0 is 7655.
	Port int
	// TrustedProxies may say in X-Forwarded-For who a request comes from.
	TrustedProxies []netip.Prefix
	// Started is when the process started; zero is now.
	Started time.Time
	// FullStateEvery is the shortest time between two full states on a stream; 0 is 2 s.
	FullStateEvery time.Duration
}

// Version tells which build of Pulse runs. The zero Version is a development build.
type Version struct {
	Number      string // as v5.0.0; empty is "dev"
	Channel     string // as stable; empty is left out
	Docker      bool   // runs in a container
	Development bool   // no release build
}

const (
	defaultPort           = 7655
	defaultFullStateEvery = 2 * time.Second
)

// API serves the operations, the streams and the page. Close it to end the streams.
type API struct {
	opt      Options
	log      *slog.Logger
	guarded  bool // a token is needed
	token    tokenHash
	attempts attempts
	gzip     sync.Pool // of *gzip.Writer

	huma    huma.API
	mux     *http.ServeMux
	handler http.Handler
	streams *streams
	tries   *turns // of requests that try out a node
	changes *turns // of requests that give a node an address
}

// New returns an API. It starts nothing.
func New(opt Options) (*API, error) {
	if opt.Monitor == nil {
		return nil, errors.New("api: a monitor is required")
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Version.Number == "" {
		opt.Version.Number = "dev"
		opt.Version.Development = true
	}
	if opt.Port == 0 {
		opt.Port = defaultPort
	}
	if opt.Started.IsZero() {
		opt.Started = time.Now()
	}
	if opt.FullStateEvery <= 0 {
		opt.FullStateEvery = defaultFullStateEvery
	}
	a := &API{opt: opt, log: opt.Logger, guarded: opt.Token != "", token: hashToken(opt.Token)}
	a.gzip.New = func() any { return gzip.NewWriter(nil) }
	a.streams = newStreams(opt.Monitor, opt.FullStateEvery)
	a.tries, a.changes = newTurns(), newTurns()
	a.register(opt.Version.Number)
	a.handler = withRequestID(a.respond(securityHeaders(a.guard(a.route()))))
	return a, nil
}

// register sets huma up and adds every operation.
func (a *API) register(version string) {
	a.mux = http.NewServeMux()
	a.huma = humago.New(a.mux, humaConfig(version))
	a.huma.UseMiddleware(asBadRequest, a.authenticate, a.awaitRevision, readBody)
	a.registerHealth()
	a.registerReady()
	a.registerVersion()
	a.registerSecurity()
	a.registerState()
	a.registerStorage()
	a.registerStream()
	a.registerNodes()
	a.registerNodeTests()
	a.registerSystem()
	a.registerConfig()
	a.registerDiagnostics()
	a.registerDiscover()
	a.registerOpenAPI()
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Close ends the open streams, refuses new ones, and waits until all have ended or ctx does.
func (a *API) Close(ctx context.Context) error { return a.streams.close(ctx) }

type humaContext = huma.Context // embedding huma.Context itself would hide its Context method

// badRequest turns huma's 422 into the 400 that clients know.
type badRequest struct{ humaContext }

func (c badRequest) Unwrap() huma.Context { return c.humaContext }

func (c badRequest) SetStatus(status int) {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	c.humaContext.SetStatus(status)
}

func asBadRequest(ctx huma.Context, next func(huma.Context)) { next(badRequest{ctx}) }
