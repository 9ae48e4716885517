package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// untypedBodies marks, in an operation's metadata, that its JSON may come without its Content-Type.
const untypedBodies = "untyped bodies"

// boundBody gives a request's body its time from the first: whoever answers early still has what is left of it read, to
// use the connection again.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Where there is no connection there is nothing to wait for.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
}

// readBody reads a request's body before huma does, with its own bounds and errors, and leaves the connection without a
// read deadline: one that passed while a handler waits for a target would cancel the request.
func readBody(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	if op.RequestBody == nil {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	if err := takeBody(w, r, op.Metadata[untypedBodies] == true); err != nil {
		if err.status != http.StatusRequestTimeout {
			discardRest(w, r)
		}
		w.Header().Set("Connection", "close") // what is left of the body is not waited for
		writeError(w, err)
		return
	}
	r.Header.Set("Content-Type", contentTypeJSON) // huma knows one spelling
	next(ctx)
}

// The part of a refused body that is still read, and how long that may take.
const (
	maxDiscarded   = 1 << 20
	discardTimeout = time.Second
)

// discardRest reads on for a moment: a connection that closes while its client sends is reset, and the client never sees
// why. One that waits to be told to send has nothing under way.
func discardRest(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardTimeout)) // as in boundBody
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)                                 // what does not come is not missed
}

func takeBody(w http.ResponseWriter, r *http.Request, untyped bool) *Error {
	typed := isJSON(r.Header.Get("Content-Type"))
	if !typed && (!untyped || !maybeJSON(r)) {
		return errNotJSON()
	}
	if r.ContentLength > maxBody {
		return errTooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return newError(http.StatusRequestTimeout, "The body did not arrive in time")
	case err != nil:
		return newError(http.StatusBadRequest, "The body could not be read")
	case len(body) > maxBody:
		return errTooLarge()
	case !typed && len(body) > 0 && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		return errNotJSON()
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // as in boundBody
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func errTooLarge() *Error {
	return newError(http.StatusRequestEntityTooLarge, "The body is too large: want at most 64 KiB")
}

func errNotJSON() *Error {
	return newError(http.StatusUnsupportedMediaType, "The body must be JSON, with Content-Type: application/json")
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == contentTypeJSON || strings.HasSuffix(media, "+json"))
}

// maybeJSON tells whether a request has no type, or one that clients send who set none, curl -d for one. A browser sends
// these across origins without asking first, so they are not taken from one.
func maybeJSON(r *http.Request) bool {
	contentType := r.Header.Get("Content-Type")
	if fromBrowser(r) {
		return false
	}
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/x-www-form-urlencoded" || media == "text/plain")
}

// fromBrowser tells whether a request carries what browsers send along with a page's writes, and other clients do not.
func fromBrowser(r *http.Request) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Referer"} {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}
