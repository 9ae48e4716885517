package api

import (
	"net/http"
	"slices"
)

const corsMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS"

const corsHeaders = "Content-Type, Authorization, X-API-Token, X-API-Key, X-Request-Id, If-None-Match, " + revisionHeader

const corsExposed = "ETag, Retry-After, X-Request-Id, " + revisionHeader

// guard answers what browsers ask about other origins, and refuses what a foreign page may not do.
//
// With a token nobody can do anything without knowing it. Without one the API is open to the network, and a browser on
// that network must not lend it to foreign pages: a page that points its own name here is told by the Host header, one
// that sends requests across origins by what the browser says about them.
func (a *API) guard(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Add("Vary", "Origin")
		if !a.guarded && !localHost(r.Host, a.opt.Hostname) && !a.origins().hosts(hostName(r.Host)) {
			writeError(w, newError(http.StatusForbidden,
				"This host name is not known to be Pulse's own: set ALLOWED_ORIGINS to the address in the browser, or set API_TOKEN"))
			return
		}
		allowed := origin != "" && a.origins().allows(origin)
		if allowed {
			allowOrigin(w.Header(), origin)
		}
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", corsMethods)
			w.WriteHeader(http.StatusOK)
			return
		}
		if !a.guarded && !allowed && protection.Check(r) != nil {
			writeError(w, newError(http.StatusForbidden,
				"Requests from pages of another origin are refused: set ALLOWED_ORIGINS to that origin"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func allowOrigin(header http.Header, origin string) {
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Methods", corsMethods)
	header.Set("Access-Control-Allow-Headers", corsHeaders)
	header.Set("Access-Control-Expose-Headers", corsExposed)
	header.Set("Access-Control-Max-Age", "600")
}

// origins are those of the settings and of the options.
func (a *API) origins() origins {
	list := slices.Concat(a.opt.AllowedOrigins, a.opt.Monitor.Settings().AllowedOrigins)
	return newOrigins(list, a.guarded)
}

// securityHeaders are for every answer; the page adds a policy of its own for what it loads.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "SAMEORIGIN")
		header.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
