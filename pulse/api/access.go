package api

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// openOperations need no token, even where one is set. Beside them, only the static page and OPTIONS are open.
var openOperations = map[string]bool{
	"GET /api/health":          true,
	"GET /api/ready":           true,
	"GET /api/version":         true,
	"GET /api/security/status": true,
}

func isOpen(op *huma.Operation) bool { return openOperations[op.Method+" "+op.Path] }

// authenticate lets a request to a guarded operation through if it carries the token. Without a token in the options
// everything is open.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	if !a.guarded || isOpen(ctx.Operation()) {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	if err := a.admit(r, time.Now()); err != nil {
		if err == errUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="Pulse"`)
		}
		writeError(w, err)
		return
	}
	next(ctx)
}

// admit tells why a request may not pass; nil when it may.
func (a *API) admit(r *http.Request, now time.Time) *Error {
	tokens := offeredTokens(r)
	if len(tokens) == 0 {
		return errUnauthorized
	}
	client := clientAddress(r, a.opt.TrustedProxies)
	if wait := a.attempts.blocked(client, now); wait > 0 {
		return tooManyRequests(wait, "Too many wrong API tokens from this address")
	}
	wrong := make([]tokenHash, len(tokens))
	for i, token := range tokens {
		if wrong[i] = hashToken(token); wrong[i].equal(a.token) {
			return nil
		}
	}
	if a.attempts.failed(client, wrong, now) {
		a.log.Warn("wrong API token", "client", client.String(), "path", r.URL.Path, "request", requestID(r.Context()))
	}
	return errUnauthorized
}
