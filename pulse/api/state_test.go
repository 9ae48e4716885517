package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// requireSchema checks a JSON value against a schema of the document.
func requireSchema(t *testing.T, name string, body []byte) {
	t.Helper()
	registry := api.Document("test").Components.Schemas
	var value any
	require.NoError(t, json.Unmarshal(body, &value))
	path, result := huma.NewPathBuffer([]byte(name), len(name)), &huma.ValidateResult{}
	huma.Validate(registry, &huma.Schema{Ref: "#/components/schemas/" + name}, path, huma.ModeReadFromServer, value, result)
	require.Empty(t, result.Errors, "%s", body[:min(len(body), 2000)])
}

func TestStateIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Demo(), nil, func(l *lab) {
		requireSchema(t, "State", l.do("GET", "/api/state", nil).body)
		l.add(plain("nobody"))
		l.watch()
		stop := l.run()
		defer stop()
		for range 12 { // what is read in rotation comes by and by
			pass(10 * time.Second)
		}
		first := l.estate.Clusters()[0]
		require.NoError(t, l.estate.NodeDown(first.Name, first.Nodes[2].Name))
		pass(30 * time.Second)
		body := l.do("GET", "/api/state", nil).body
		requireSchema(t, "State", body)
		var state api.State
		require.NoError(t, json.Unmarshal(body, &state))
		require.NotEmpty(t, state.VMs)
		require.NotEmpty(t, state.Containers)
		require.NotEmpty(t, state.PBS)
		require.NotEmpty(t, state.PBS[0].Datastores)
		require.Len(t, state.Targets, 4)
		requireSchema(t, "StorageList", l.do("GET", "/api/storage/", nil).body)
		requireSchema(t, "StorageList", l.do("GET", "/api/storage/"+state.Nodes[0].ID, nil).body)
		requireSchema(t, "StorageEntry", l.do("GET", "/api/storage/"+state.Storage[0].ID, nil).body)
		requireSchema(t, "Diagnostics", l.do("GET", "/api/diagnostics", nil).body)
		requireSchema(t, "Discovered", l.do("GET", "/api/discover", nil).body)
		for _, secret := range []string{l.estate.Clusters()[0].Credentials[sim.Auditor].TokenSecret} {
			for _, path := range []string{"/api/state", "/api/diagnostics", "/api/config/nodes", "/api/config", "/api/discover"} {
				require.NotContains(t, string(l.do("GET", path, nil).body), secret, path)
			}
			require.NotContains(t, l.log.String(), secret)
		}
	})
}

func TestDocumentsComeInTheCodingThatClientsAskFor(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Guests: 40}, nil, func(l *lab) {
		l.watch()
		for _, path := range []string{"/api/state", "/api/storage", "/api/openapi.json"} {
			want := l.do("GET", path, nil).body
			tags := map[string]bool{}
			for asked, coding := range map[string]string{
				"": "", "identity": "", "gzip": "gzip", "gzip, deflate, br": "gzip", "gzip;q=0": "", "br": "", "*;q=0": "",
				"zstd": "zstd", "gzip, zstd": "zstd", "zstd;q=0.5, gzip": "gzip", "*": "gzip", "gzip;q=0, *": "",
			} {
				if coding == "zstd" && path == "/api/openapi.json" {
					continue // what is not from rows comes in gzip only
				}
				answer := l.do("GET", path, nil, "Accept-Encoding: "+asked)
				require.Equal(t, coding, answer.Header.Get("Content-Encoding"), "%s: %q", path, asked)
				require.Contains(t, answer.Header.Values("Vary"), "Accept-Encoding")
				require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
				require.Equal(t, string(want), string(decoded(t, coding, answer.body)))
				etag := answer.Header.Get("ETag")
				require.Regexp(t, `^"[^"]+"$`, etag)
				tags[etag] = true

				again := l.do("GET", path, nil, "Accept-Encoding: "+asked, `If-None-Match: "x", W/`+etag)
				require.Equal(t, 304, again.StatusCode)
				require.Empty(t, again.body)
				require.Equal(t, etag, again.Header.Get("ETag"))
			}
			require.GreaterOrEqual(t, len(tags), 2, "each coding is a representation of its own")
		}
		etag := l.do("GET", "/api/state", nil).Header.Get("ETag")
		pass(20 * time.Second)
		l.poll()
		require.Equal(t, 200, l.do("GET", "/api/state", nil, "If-None-Match: "+etag).StatusCode)
	})
}

func decoded(t *testing.T, coding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(r)
		require.NoError(t, err)
		r = z
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		require.NoError(t, err)
		defer z.Close()
		r = z
	}
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

func TestStorageIsFoundByItsIDsAndByItsNode(t *testing.T) {
	t.Parallel()
	inLab(t, sim.Config{Seed: 1, Clusters: 2, Guests: 8}, nil, func(l *lab) {
		l.watch()
		var all api.StorageList
		l.get("/api/storage/", &all)
		require.NotEmpty(t, all.Data)
		for _, s := range all.Data {
			var one api.StorageEntry
			l.get("/api/storage/"+s.ID, &one)
			require.Equal(t, s, one.Data)
			l.get("/api/storage/"+url.PathEscape(s.UID), &one)
			require.Equal(t, s, one.Data)
		}
		var state api.State
		l.get("/api/state", &state)
		require.Equal(t, state.Storage, all.Data)
		for _, node := range state.Nodes {
			var of api.StorageList
			l.get("/api/storage/"+node.ID, &of)
			require.NotEmpty(t, of.Data)
			for _, s := range of.Data {
				require.Equal(t, node.Instance, s.Instance)
				require.True(t, s.Shared || s.Node == node.Name)
			}
		}
		for _, target := range l.list() {
			path := "/api/storage/" + target.ID
			if target.Type == "pbs" {
				require.Contains(t, l.do("GET", path, nil).failure(t, 404), "datastores")
				continue
			}
			var want []api.Storage
			for _, s := range all.Data {
				if s.Instance == target.Name {
					want = append(want, s)
				}
			}
			var of api.StorageList
			l.get(path, &of)
			require.Equal(t, want, of.Data)
			require.NotEmpty(t, of.Data)
			require.NotZero(t, of.Timestamp)
		}
		var byID, byName api.StorageList
		node := state.Nodes[0]
		l.get("/api/storage/"+node.ID, &byID)
		l.get("/api/storage/"+node.Name, &byName)
		require.Equal(t, byID, byName)
	})
}
