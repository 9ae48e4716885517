package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// large answers with so many bytes that compress well, or with noise that does not.
func large(size int, noise bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Access-Control-Allow-Origin", "https://a.example.com")
		body := bytes.Repeat([]byte(`{"name":"x"},`), size/13+1)[:size]
		if noise {
			state := uint32(1)
			for i := range body {
				state = state*1664525 + 1013904223
				body[i] = byte(state >> 24)
			}
		}
		_, _ = w.Write(body)
	}
}

func TestAnswersKeepWithinWhatThePlatformPassesOn(t *testing.T) {
	t.Parallel()
	for name, f := range fronts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			small := f.limit() / 4
			got := f.through(t, said("GET", "/api/state", "", "Accept-Encoding: gzip"), large(small, false))
			require.Equal(t, 200, got.Status)
			require.Empty(t, got.Header.Get("Content-Encoding"), "what fits is left as it is")
			require.Len(t, got.Body, small)

			got = f.through(t, said("GET", "/api/state", "", "Accept-Encoding: br, gzip"), large(f.limit(), false))
			require.Equal(t, 200, got.Status)
			require.Equal(t, "gzip", got.Header.Get("Content-Encoding"))
			require.Equal(t, `W/"1"`, got.Header.Get("ETag"))
			require.Contains(t, got.Header.Values("Vary"), "Accept-Encoding")
			z, err := gzip.NewReader(strings.NewReader(got.Body))
			require.NoError(t, err)
			body, err := io.ReadAll(z)
			require.NoError(t, err)
			require.Len(t, body, f.limit())

			for _, method := range []string{"GET", "HEAD"} {
				got = f.through(t, said(method, "/api/state", ""), large(f.limit(), false))
				require.Equal(t, http.StatusRequestEntityTooLarge, got.Status)
				require.Equal(t, "https://a.example.com", got.Header.Get("Access-Control-Allow-Origin"), "a page can read it")
				require.Empty(t, got.Header.Get("ETag"))
				if method == "HEAD" {
					require.Empty(t, got.Body)
					continue
				}
				require.Contains(t, got.Body, "Accept-Encoding: gzip")
				require.Contains(t, got.Body, "/api/storage/{id}")
			}

			got = f.through(t, said("GET", "/api/state", "", "Accept-Encoding: gzip"), large(f.limit(), true))
			require.Equal(t, http.StatusRequestEntityTooLarge, got.Status)
			require.NotContains(t, got.Body, "Accept-Encoding", "it took that already")
		})
	}
}

func TestTheLimitCountsTheBodyAsItIsSent(t *testing.T) {
	t.Parallel()
	body := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Repeat(`"`, 600_000)) // twice as long within JSON
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, frontALB.through(t, said("GET", "/", ""), http.HandlerFunc(body)).Status)
	require.Equal(t, http.StatusOK, frontURL.through(t, said("GET", "/", ""), http.HandlerFunc(body)).Status)
	binary := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(bytes.Repeat([]byte{0xff}, 760_000)) // a third more in base64
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, frontALBMulti.through(t, said("GET", "/", ""), http.HandlerFunc(binary)).Status)
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"gzip": true, "GZIP;q=0.5": true, "br, gzip ; q=1": true, "": false, "identity": false, "gzip;q=0": false,
		"gzip;q=0.000": false, "x-gzip-like": false, "br;q=1, gzip; Q = 0.1": true, "gzip;q=x": false,
	} {
		require.Equal(t, want, acceptsGzip([]string{header}), header)
	}
}
