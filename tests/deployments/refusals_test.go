package deployments

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
)

// validDraft could be added; what spoils it must keep it from that.
const validDraft = `"type":"pve","host":"127.0.0.1:1","user":"a@pve","password":"12345"`

// hostile is a request that has to be refused.
type hostile struct {
	name, method, path, kind, body string
	status                         int
}

func refusals() []hostile {
	const path, system = nodesPath, systemPath
	return []hostile{
		{"no body", "POST", path, "application/json", "", 400},
		{"half an object", "POST", path, "application/json", "{" + validDraft, 400},
		{"two objects", "POST", path, "application/json", "{" + validDraft + "}{}", 400},
		{"an array", "POST", path, "application/json", "[{" + validDraft + "}]", 400},
		{"null", "POST", path, "application/json", "null", 400},
		{"a number for a text", "POST", path, "application/json", "{" + validDraft + `,"name":7}`, 400},
		{"a text for a switch", "POST", path, "application/json", "{" + validDraft + `,"verifySSL":"no"}`, 400},
		{"bytes that are no text", "POST", path, "application/json", "{" + validDraft + ",\"name\":\"\xff\xfe\"", 400},
		{"a control character", "POST", path, "application/json", "{" + validDraft + `,"name":"a\u0000b"}`, 400},
		{"deep nesting", "POST", path, "application/json", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), 400},
		{"a huge name", "POST", path, "application/json", "{" + validDraft + `,"name":"` + strings.Repeat("x", 10_000) + `"}`, 400},
		{"a huge body", "POST", path, "application/json", "{" + validDraft + `,"name":"` + strings.Repeat("x", 200<<10) + `"}`, 413},
		{"a body of spaces", "PUT", path + "/pve-1", "application/json", strings.Repeat(" ", 70<<10), 413},
		{"a page", "POST", path, "text/html", "{" + validDraft + "}", 415},
		{"a file", "POST", path, "multipart/form-data; boundary=x", "{" + validDraft + "}", 415},
		{"an unknown type", "POST", path, "application/json", `{"type":"esx","host":"a","user":"a@pve","password":"12345"}`, 400},
		{"a path behind the host", "POST", path, "application/json", `{"type":"pve","host":"https://a/../b","user":"a@pve","password":"12345"}`, 400},
		{"credentials in the host", "POST", path, "application/json", `{"type":"pve","host":"https://a:b@c","user":"a@pve","password":"12345"}`, 400},
		{"a pin that pins nothing", "POST", path, "application/json", "{" + validDraft + `,"fingerprint":"` + strings.Repeat("00", 32) + `"}`, 400},
		{"an id that is none", "PUT", path + "/..%2fsystem", "application/json", "{}", 400},
		{"an id that is huge", "PUT", path + "/pve-" + strings.Repeat("9", 400), "application/json", "{}", 400},
		{"an id that nobody has", "PUT", path + "/pve-77", "application/json", "{}", 404},
		{"an id with a leading zero", "DELETE", path + "/pve-00", "", "", 404},
		{"a wrong method", "PATCH", path, "application/json", "{}", 405},
		{"an invented method", "BREW", "/api/state", "", "", 405},
		{"a write to what is read", "DELETE", "/api/state", "", "", 405},
		{"an unknown path", "GET", "/api/etc/passwd", "", "", 404},
		{"a way out", "GET", "/api/storage/..%2f..%2f..%2fetc%2fpasswd", "", "", 404},
		{"no interval", "POST", system, "application/json", `{"pollingInterval":0}`, 400},
		{"a negative interval", "POST", system, "application/json", `{"pollingInterval":-5}`, 400},
		{"a huge interval", "PUT", system, "application/json", `{"pollingInterval":1e18}`, 400},
		{"an origin that is none", "PUT", system, "application/json", `{"allowedOrigins":"https://a/b"}`, 400},
	}
}

// refuses sends what has to be refused, and finds that nothing was changed by it.
func (v *visit) refuses() {
	before := v.configuration()
	for _, h := range refusals() {
		if u, err := url.Parse(h.path); err != nil || !v.takes(u) {
			require.NoError(v, err)
			continue
		}
		q := request{name: "refuse " + h.name, method: h.method, path: h.path}
		if h.kind != "" {
			q.header = []string{"Content-Type: " + h.kind}
		}
		if h.body != "" {
			q.body = h.body
		}
		r := v.ask(h.status, q)
		require.Less(v, len(r.body), 8<<10, h.name)
	}
	v.strange()
	require.Equal(v, before, v.configuration())
}

// configuration is all of it.
func (v *visit) configuration() (all [2]string) {
	v.Helper()
	for i, path := range []string{nodesPath, systemPath} {
		r := v.send(request{method: http.MethodGet, path: path})
		require.Equal(v, http.StatusOK, r.status)
		all[i] = settledBody(r)
	}
	return all
}

// strange sends headers and queries that make no sense, and are answered as if they were not there.
func (v *visit) strange() {
	for name, header := range map[string]string{
		"2,000 bytes":            "X-Long: " + strings.Repeat("a", 2000),
		"encodings that are not": "Accept-Encoding: ;;q=,,gzip;q=x,*;q=9",
		"no encoding at all":     "Accept-Encoding: identity;q=0, *;q=0",
		"an ETag that is none":   `If-None-Match: W/"` + strings.Repeat(`",`, 500),
		"a type that is none":    "Accept: application/cbor, text/html;q=0",
		"a range":                "Range: bytes=0-0,5-1",
	} {
		for _, path := range []string{"/api/health", "/api/state", "/api/openapi.json"} {
			r := v.ask(http.StatusOK, request{name: path + " with " + name, method: http.MethodGet, path: path, header: []string{header}})
			require.Equal(v, "application/json", r.header.Get("Content-Type"), name)
		}
	}
	v.ask(http.StatusOK, request{name: "an unknown query", method: http.MethodGet, path: "/api/state?a=1&a=2&b=%2C"})
	v.ask(http.StatusBadRequest, request{
		name: "a revision that is none", method: http.MethodGet, path: "/api/state", header: []string{"Pulse-Revision: none"},
	})
}
