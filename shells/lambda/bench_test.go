package main

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkInvoke measures what lies between an event and the API: a document of 300 KB, as it is and compressed.
func BenchmarkInvoke(b *testing.B) {
	document := strings.Repeat(`{"name":"web-1","status":"running"},`, 300_000/36)
	g := &gateway{log: slog.New(slog.DiscardHandler)}
	for kind, body := range map[string]string{"text": document, "binary": "\xff" + document} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		})
		for name, f := range fronts {
			event := f.event(b, said("GET", "/api/state", "", "X-API-Token: "+token))
			b.Run(kind+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					kind, err := frontOf(event)
					if err != nil {
						b.Fatal(err)
					}
					r, err := kind.request(event, "")
					if err != nil {
						b.Fatal(err)
					}
					if _, err := kind.encode(g.serve(handler, r), r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
