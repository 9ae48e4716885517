package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzEvent holds that no event makes the function panic or answer in silence: it is an error, or an answer in the form
// of its front.
func FuzzEvent(f *testing.F) {
	for _, pattern := range []string{"testdata/*.json", "testdata/unknown/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			event, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(event)
		}
	}
	f.Add([]byte(`{"httpMethod":"G T","path":"%","requestContext":{"elb":{}},"headers":{"":"\r\n"},"queryStringParameters":{"%":"&="}}`))
	g := &gateway{log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, event []byte) {
		front, err := frontOf(event)
		if err != nil {
			return
		}
		r, err := front.request(event, "/pulse")
		if err != nil {
			return
		}
		if !strings.HasPrefix(r.RequestURI, "/") || r.URL.Host != "" || r.Header.Get("Host") != "" {
			t.Fatalf("not what a server reads: %q %q %v", r.RequestURI, r.URL.Host, r.Header)
		}
		out, err := front.encode(g.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(w, r.Body); err != nil {
				t.Error(err)
			}
		}), r), r)
		var answer struct{ StatusCode int }
		if err != nil || json.Unmarshal(out, &answer) != nil || answer.StatusCode < 200 {
			t.Fatalf("no answer: %s %v", out, err)
		}
	})
}

// FuzzPath holds that what is made of a path can be parsed as one, and that what a client encoded stays as it was.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/", "", "/a b", "/50%", "/%41", "//x", "/a?b#c", "/ä", "/\x00", "/pulse/prod/x"} {
		f.Add(path, true)
		f.Add(path, false)
	}
	f.Fuzz(func(t *testing.T, path string, wasDecoded bool) {
		escaped := escapeStray(path, wasDecoded)
		if escapeStray(escaped, wasDecoded) != escaped {
			t.Fatalf("%q is not stable", escaped)
		}
		own := place{stage: "prod"}.own(escaped, "/pulse")
		if !strings.HasPrefix(own, "/") || strings.ContainsAny(own, "?# ") {
			t.Fatalf("%q", own)
		}
	})
}
