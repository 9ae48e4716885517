package main

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/proxpulse/proxpulse/shells"
)

// answer takes what a handler writes, as the server of net/http would: the first status counts, none is 200, and headers
// that are set after the status are too late.
type answer struct {
	header http.Header // what the handler works on
	sent   http.Header // what it was when the status was written
	status int         // 0 until then
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// refusal returns an answer that says what is wrong.
func refusal(status int, sentence string) *answer {
	a := newAnswer()
	shells.Refuse(a, status, sentence)
	return a
}

// Header returns the headers that go with the status.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the first final status. Informational ones cannot be passed on.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status < http.StatusOK {
		return
	}
	a.status = status
	a.sent = a.header.Clone()
}

// Write keeps a part of the body.
func (a *answer) Write(data []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if bodiless(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(data)
}

// finish completes what the handler left to the server.
func (a *answer) finish() {
	a.WriteHeader(http.StatusOK)
	for name, values := range a.sent {
		if len(values) == 0 {
			delete(a.sent, name)
		}
	}
	if a.body.Len() > 0 && a.sent.Get("Content-Type") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
}

// replace makes a finished answer a refusal, with the headers that do not speak of the former body.
func (a *answer) replace(status int, sentence string) {
	*a = answer{header: a.sent}
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Connection", "Upgrade"} {
		a.header.Del(name)
	}
	shells.Refuse(a, status, sentence)
}

func bodiless(status int) bool {
	return slices.Contains([]int{http.StatusNoContent, http.StatusNotModified}, status)
}
