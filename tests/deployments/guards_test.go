package deployments

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// openToAll need no token, by the rules of the house.
var openToAll = []string{"/api/health", "/api/ready", "/api/version", "/api/security/status"}

// ways are all places where a client may put the token, each as a header, or as a query.
var ways = map[string]string{
	"its own header":        "X-API-Token: " + apiToken,
	"the older header":      "X-API-Key: " + apiToken,
	"as a bearer":           "Authorization: Bearer " + apiToken,
	"bare":                  "Authorization: " + apiToken,
	"the query":             "?token=" + url.QueryEscape(apiToken),
	"the query, with more":  "?since=2026-01-01T00%3A00%3A00Z&token=" + apiToken + "&a=%2C%26",
	"a header with cookies": "X-API-Token: " + apiToken + "\nCookie: theme=dark; lang=de",
}

// guards asks every operation without the token, with a wrong one and with the right one everywhere it may be.
func (v *visit) guards() {
	operations := promise.Operations()
	require.Greater(v, len(operations), 20)
	for _, op := range operations {
		path := strings.ReplaceAll(op.Path, "{id}", "pve-77")
		if slices.Contains(openToAll, path) {
			continue
		}
		for name, header := range map[string][]string{"no token": nil, "a wrong token": {"X-API-Token: wrong"}} {
			r := v.ask(http.StatusUnauthorized, request{
				name: op.ID + " with " + name, method: op.Method, path: path, header: header, anonymous: true,
			})
			require.NotEmpty(v, r.header.Get("WWW-Authenticate"), op.ID)
		}
	}
	for _, path := range openToAll {
		v.await("readiness", "/api/ready", func(reply) error { return nil })
		v.ask(http.StatusOK, request{name: path + " without a token", method: http.MethodGet, path: path, anonymous: true})
	}
	for name, way := range ways {
		path, header := "/api/config/nodes/", strings.Split(way, "\n")
		if strings.HasPrefix(way, "?") {
			path, header = path+way, nil
		}
		v.ask(http.StatusOK, request{name: "the token by " + name, method: http.MethodGet, path: path, header: header, anonymous: true})
	}
	v.ask(http.StatusOK, request{name: "OPTIONS without a token", method: http.MethodOptions, path: "/api/state", anonymous: true})
	v.ask(http.StatusNotFound, request{name: "no such path, without a token", method: http.MethodGet, path: "/api/no-such", anonymous: true})
}

// opensAll finds that the token opens every operation, wherever it is put. None of these requests changes anything.
func (v *visit) opensAll() {
	for _, op := range promise.Operations() {
		for name, way := range ways {
			path, header := strings.ReplaceAll(op.Path, "{id}", "pve-77"), strings.Split(way, "\n")
			if strings.HasPrefix(way, "?") {
				path, header = path+way, nil
			}
			r := v.send(request{method: op.Method, path: path, header: header, anonymous: true})
			require.NotEqual(v, http.StatusUnauthorized, r.status, "%s with the token by %s", op.ID, name)
			if op.Path != "/ws" {
				require.Less(v, r.status, http.StatusInternalServerError, "%s: %.500s", op.ID, r.body)
			}
		}
	}
}
