package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// through has a handler answer a message behind a front.
func (f front) through(t testing.TB, m message, handler http.Handler) reply {
	t.Helper()
	r, err := f.request(f.event(t, m), "")
	require.NoError(t, err)
	g := &gateway{log: slog.New(slog.DiscardHandler)}
	out, err := f.encode(g.serve(handler, r.WithContext(t.Context())), r)
	require.NoError(t, err)
	return f.read(t, out)
}

// echo answers with the request, as far as it is the client's.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") {
			r.Header.Del(name)
		}
	}
	address, port, err := net.SplitHostPort(r.RemoteAddr)
	r.Header.Del("Connection")
	r.Header.Del("Content-Length")
	w.Header().Set("Content-Type", "text/plain")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "escaped": r.URL.EscapedPath(), "query": r.URL.Query(), "host": r.Host,
		"header": r.Header, "body": string(body), "length": r.ContentLength, "client": address, "port": port != "" && err == nil,
		"absolute": r.URL.IsAbs() || r.URL.Host != "", "proto": r.Proto, "uri": strings.HasPrefix(r.RequestURI, "/"),
	})
}

// echoed are messages that each handler has to see in the same way.
var echoed = []struct {
	name    string
	message message
	not     []front // those whose events do not hold the message as it was
}{
	{name: "nothing special", message: said("GET", "/api/state", "")},
	{name: "root", message: said("GET", "/", "")},
	{name: "encoded query", message: said("GET", "/a?since=2026-01-01T00%3A00%3A00%2B01%3A00&q=a+b%26c%3Dd&%6Bey=%C3%A4", "")},
	{name: "repeated keys", message: said("GET", "/a?id=1&id=2&id=1&b=", ""), not: []front{frontALB}}, // it has the last only
	{name: "a key alone", message: said("GET", "/a?key", "")},
	{name: "encoded path", message: said("GET", "/api/storage/a%20b%25c%C3%A4", "")},
	{name: "encoded slash", message: said("GET", "/api/storage/a%2Fb", ""), not: []front{frontHTTP}}, // it decodes paths
	{name: "unclean path", message: said("GET", "//api//state/", "")},
	{name: "commas in headers", message: said("GET", "/", "", "X-API-Token: ab,cd", "If-None-Match: \"a\", \"b\"", "X-Date: Mon, 02 Jan 2006 15:04:05 GMT")},
	{name: "cookies", message: said("GET", "/", "", "Cookie: a=1; b=2; c=x,y")},
	{name: "host with a port", message: said("GET", "/", "", "Host: pulse.example.net:8443")},
	{name: "JSON body", message: said("POST", "/api/config/nodes", `{"type":"pve","name":"ä <&>"}`, "Content-Type: application/json")},
	{name: "binary body", message: said("PUT", "/x", "\x00\xff\xfe\x1f\x8b", "Content-Type: application/octet-stream")},
	{name: "delete", message: said("DELETE", "/api/config/nodes/pve-0", "")},
	{name: "options", message: said("OPTIONS", "/api/state", "", "Origin: https://a.example.com", "Access-Control-Request-Method: PUT")},
	{name: "bearer", message: said("GET", "/", "", "Authorization: Bearer a,b c=")},
	{name: "what looks like the library's own header", message: said("GET", "/", "", "X-GoLambdaProxy-ApiGw-Context: {}")},
}

func TestHandlersSeeTheSameRequestBehindEachFront(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	for _, tt := range echoed {
		want := viaHTTP(t, server.URL, tt.message)
		require.Equal(t, http.StatusOK, want.Status)
		for name, f := range fronts {
			if len(tt.not) > 0 && tt.not[0] == f {
				continue
			}
			t.Run(tt.name+" "+name, func(t *testing.T) {
				t.Parallel()
				got := f.through(t, tt.message, http.HandlerFunc(echo))
				require.JSONEq(t, want.Body, got.Body)
			})
		}
	}
}

// handlers are answers that every front has to pass on as the server of net/http does.
var handlers = map[string]http.HandlerFunc{
	"nothing written": func(http.ResponseWriter, *http.Request) {},
	"headers only":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"1"`) },
	"a second status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusInternalServerError)
	},
	"a status after the body": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<p>hi")
		w.WriteHeader(http.StatusTeapot)
	},
	"a header too late": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-Late", "1")
	},
	"an informational status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_, _ = io.WriteString(w, "too much")
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(http.StatusNotModified)
		_, _ = io.WriteString(w, "too much")
	},
	"a body without a type": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>") },
	"an empty body with a type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(nil)
	},
	"several cookies": func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5 {
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i), Value: "x", Quoted: true, Path: "/"})
		}
	},
	"several values": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept-Encoding")
	},
	"a binary body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG\r\n\x1a\n\x00\xff")
	},
	"a body that JSON escapes": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "\"\\\b\x00\u2028<script>&\r\n\t\U0001f600\x7f")
	},
	"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"a flush": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "part")
	},
}

func TestClientsSeeTheSameAnswerBehindEachFront(t *testing.T) {
	t.Parallel()
	for kind, handler := range handlers {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it tells of each second status
		server.Start()
		t.Cleanup(server.Close)
		for _, method := range []string{"GET", "HEAD", "POST"} {
			want := viaHTTP(t, server.URL, said(method, "/x", "")).comparable()
			for name, f := range fronts {
				t.Run(kind+" "+method+" "+name, func(t *testing.T) {
					t.Parallel()
					require.Equal(t, want, f.through(t, said(method, "/x", ""), handler).comparable())
				})
			}
		}
	}
}

func TestAPanicIsAnErrorForTheClientAndALineInTheLog(t *testing.T) {
	t.Parallel()
	for name, f := range fronts {
		for kind, handler := range map[string]http.HandlerFunc{
			"at once":            func(http.ResponseWriter, *http.Request) { panic("hunter2") },
			"in the middle":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("hunter2") },
			"to abort an answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				var log strings.Builder
				g := &gateway{log: slog.New(slog.NewTextHandler(&log, nil))}
				r, err := f.request(f.event(t, said("GET", "/x", "")), "")
				require.NoError(t, err)
				out, err := f.encode(g.serve(handler, r), r)
				require.NoError(t, err)
				got := f.read(t, out)
				require.Equal(t, http.StatusInternalServerError, got.Status)
				require.JSONEq(t, `{"error":"Something went wrong inside Pulse; its log tells more"}`, got.Body)
				require.Equal(t, "application/json", got.Header.Get("Content-Type"))
				require.Contains(t, log.String(), "equal_test.go", "the stack")
			})
		}
	}
}

var (
	clockTimes = regexp.MustCompile(`"(timestamp|uptime|lastUpdate|startTime|lastSeen)":[^,}]+`)
	ids        = regexp.MustCompile(`request id [0-9a-f]+`)
)

// sameTimes makes the times in a document equal.
func sameTimes(body string) string {
	return ids.ReplaceAllString(clockTimes.ReplaceAllString(body, `"$1":0`), "request id")
}
