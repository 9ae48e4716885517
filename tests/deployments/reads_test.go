package deployments

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// reads reads everything that can be read, in all the ways there are.
func (v *visit) reads() {
	for _, op := range promise.Operations() {
		if op.Method != http.MethodGet || op.Path == "/ws" || strings.Contains(op.Path, "{") {
			continue
		}
		plain := v.get(op.Path)
		require.NotEmpty(v, plain.header.Get("X-Request-Id"), op.Path)
		v.readsInOtherWays(op.Path)
		v.ask(http.StatusNotModified, request{
			name: op.Path + ", whatever it is", method: http.MethodGet, path: op.Path, header: []string{"If-None-Match: *"},
		})
		v.ask(http.StatusMethodNotAllowed, request{method: "BREW", path: op.Path})
	}
	v.readsStorages()
	v.sparesWhatIsKnown()
	v.stream()
}

func (v *visit) readsInOtherWays(path string) {
	for _, coding := range []string{"gzip", "zstd", "identity", "gzip;q=0, *;q=0.5", "br;q=1, ;;q=x"} {
		v.ask(http.StatusOK, request{
			name: path + " as " + coding, method: http.MethodGet, path: path, header: []string{"Accept-Encoding: " + coding},
		})
	}
	v.ask(http.StatusOK, request{method: http.MethodHead, path: path})
	v.ask(http.StatusOK, request{method: http.MethodOptions, path: path})
	v.ask(http.StatusOK, request{
		name: path + " with the token in the query", method: http.MethodGet, path: path + "?token=" + apiToken, anonymous: true,
	})
}

// readsStorages reads each storage by each of its ids.
func (v *visit) readsStorages() {
	var all struct{ Data []struct{ ID, UID string } }
	v.send(request{method: http.MethodGet, path: "/api/storage"}).json(v.T, &all)
	require.NotEmpty(v, all.Data)
	for _, storage := range all.Data {
		v.get("/api/storage/" + url.PathEscape(storage.ID))
		path := "/api/storage/" + url.PathEscape(storage.UID)
		if u, err := url.Parse(path); err == nil && v.takes(u) {
			v.get(path)
		}
	}
	v.ask(http.StatusNotFound, request{method: http.MethodGet, path: "/api/storage/no-such"})
}

// takes tells whether a path can be sent through the front as it stands.
func (v *visit) takes(u *url.URL) bool { return v.name != string(lab.HTTPAPI) || survivesDecoding(u) }

// sparesWhatIsKnown sends the ETag of what stands still back. What is watched has an ETag of the process that tells it.
func (v *visit) sparesWhatIsKnown() {
	paths := []string{nodesPath, systemPath, "/api/version", "/api/openapi.json", "/api/openapi.yaml"}
	if !v.several {
		paths = append(paths, "/api/storage")
	}
	for _, path := range paths {
		for _, coding := range []string{"identity", "gzip"} {
			accept := "Accept-Encoding: " + coding
			etag := v.send(request{method: http.MethodGet, path: path, header: []string{accept}}).header.Get("ETag")
			require.NotEmpty(v, etag, path)
			r := v.ask(http.StatusNotModified, request{
				name: path + " again as " + coding, method: http.MethodGet, path: path, header: []string{accept, "If-None-Match: " + etag},
			})
			require.Empty(v, r.body)
			require.Equal(v, etag, r.header.Get("ETag"), path)
		}
	}
}

// stream asks for the stream, which a function does not have. It is one of the two differences.
func (v *visit) stream() {
	status := http.StatusUpgradeRequired
	if v.function {
		status = http.StatusNotImplemented
	}
	r := v.send(request{method: http.MethodGet, path: "/ws"})
	require.Equal(v, status, r.status, "%s", r.body)
	var failure struct{ Error string }
	require.NoError(v, json.Unmarshal(r.body, &failure))
	require.NotEmpty(v, failure.Error)
	if v.function {
		require.Contains(v, failure.Error, "/api/state", "it names another way")
	}
}

// survivesDecoding tells whether a path can be sent through an HTTP API, which decodes it.
func survivesDecoding(u *url.URL) bool {
	return !strings.Contains(strings.ToLower(u.EscapedPath()), "%2")
}
