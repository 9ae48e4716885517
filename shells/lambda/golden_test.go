package main

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// seen is what a handler sees of a request.
type seen struct {
	Method, URI, Path, EscapedPath, RawQuery, Host, RemoteAddr string
	TLS                                                        bool
	Header                                                     http.Header
	Body                                                       []byte
}

func see(t *testing.T, r *http.Request) seen {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, int64(len(body)), r.ContentLength)
	return seen{
		Method: r.Method, URI: r.RequestURI, Path: r.URL.Path, EscapedPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		Host: r.Host, RemoteAddr: r.RemoteAddr, TLS: r.TLS != nil, Header: r.Header, Body: body,
	}
}

// recorded are events as the platform sends them, each with a repair of the converting library in it.
var recorded = map[string]front{
	"rest": frontREST, "rest-base-path": frontREST, "rest-stage-named-api": frontREST, "http-format-1": frontREST,
	"http": frontHTTP, "url": frontURL, "alb": frontALB, "alb-health-check": frontALB, "alb-multi": frontALBMulti,
}

func TestRecordedEventsBecomeTheRequestsTheyWere(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	events := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if strings.HasSuffix(name, ".golden") {
			continue
		}
		events++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event, err := os.ReadFile(file)
			require.NoError(t, err)
			f, err := frontOf(event)
			require.NoError(t, err)
			require.Equal(t, recorded[name], f)
			r, err := f.request(event, "/pulse")
			require.NoError(t, err)
			got, err := json.MarshalIndent(see(t, r), "", "  ")
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".golden.json")
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
		})
	}
	require.Len(t, recorded, events)
}

func TestAnEventOfAnotherFormIsAnError(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/unknown/*.json")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		event, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = frontOf(event)
		require.ErrorIs(t, err, errUnknownEvent, file)
	}
	for _, event := range []string{
		"", "null", "{}", "[]", "7", `"GET /"`, "{", `{"version":"2.0"}`, `{"httpMethod":"GET","path":"/"}`,
		`{"version":"3.0","httpMethod":"GET","path":"/","requestContext":{"requestId":"1"}}`,
		`{"requestContext":{"elb":{}}}`, `{"requestContext":{"elb":{}},"httpMethod":"GET"}`,
		`{"version":"2.0","requestContext":{"http":{}}}`, `{"version":2,"requestContext":{"http":{"method":"GET"}}}`,
	} {
		_, err := frontOf([]byte(event))
		require.ErrorIs(t, err, errUnknownEvent, event)
	}
	g := &gateway{}
	out, err := g.Invoke(t.Context(), []byte(`{"hunter2":1}`))
	require.ErrorIs(t, err, errUnknownEvent)
	require.NotContains(t, err.Error(), "hunter2")
	require.Nil(t, out)
}
