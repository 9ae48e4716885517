package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The largest answers that the platform passes on, in bytes of JSON, with the body in base64 where it is binary. What is
// larger would reach the client as a gateway's own error.
const (
	maxAnswer    = 6 << 20   // Lambda: "6 MB", for an invocation that is waited for
	maxAnswerALB = 1_000_000 // Elastic Load Balancing: "1 MB"
)

func (f front) limit() int {
	if f == frontALB || f == frontALBMulti {
		return maxAnswerALB
	}
	return maxAnswer
}

// encode returns the answer to a request as the front takes it. One that is too large is compressed if the client takes
// that, and is else an error that says how to ask for less.
func (f front) encode(a *answer, r *http.Request) ([]byte, error) {
	a.finish()
	data, err := f.marshal(a)
	if err == nil && len(data) > f.limit() && a.compress(r) {
		data, err = f.marshal(a)
	}
	if err == nil && len(data) > f.limit() {
		a.replace(http.StatusRequestEntityTooLarge, tooLarge(f.limit(), r))
		data, err = f.marshal(a)
	}
	if err == nil && r.Method == http.MethodHead {
		a.body.Reset() // its length stays told
		data, err = f.marshal(a)
	}
	return data, err
}

func (f front) marshal(a *answer) ([]byte, error) {
	response, err := f.response(a)
	if err != nil {
		return nil, fmt.Errorf("convert the answer: %w", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // it would only make bodies larger
	if err := encoder.Encode(response); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// tooLarge says what a client can do about an answer that is too large for the platform.
func tooLarge(limit int, r *http.Request) string {
	ways := "ask for less, as one storage at /api/storage/{id}"
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		ways = "take it compressed, with Accept-Encoding: gzip, or " + ways
	}
	return fmt.Sprintf("The answer is larger than the %d MB that can be passed on here: %s", limit/1_000_000, ways)
}

// compress compresses the body unless it is so already or the client does not take it.
func (a *answer) compress(r *http.Request) bool {
	if a.sent.Get("Content-Encoding") != "" || !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		return false
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(a.body.Bytes()) // a buffer takes everything
	_ = z.Close()
	a.body = out
	a.sent.Set("Content-Encoding", "gzip")
	a.sent.Add("Vary", "Accept-Encoding")
	if a.sent.Get("Content-Length") != "" {
		a.sent.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	if etag := a.sent.Get("ETag"); etag != "" && !strings.HasPrefix(etag, "W/") {
		a.sent.Set("ETag", "W/"+etag) // the same document in other bytes
	}
	return true
}

// acceptsGzip tells whether an Accept-Encoding header allows gzip, by name.
func acceptsGzip(values []string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !found || (err == nil && q > 0)
	}
	return false
}
