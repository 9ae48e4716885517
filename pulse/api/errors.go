package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
)

// Error is the body of every answer that is no success.
type Error struct {
	Message string        `json:"error" doc:"What is wrong, as a sentence for people." example:"host: is required"`
	Details []ErrorDetail `json:"details,omitempty" nullable:"false" doc:"The places in the request that are wrong."`

	status     int
	retryAfter time.Duration
}

// ErrorDetail is one place in a request that is wrong.
type ErrorDetail struct {
	Location string `json:"location" doc:"Where it is, as body.host, query.token or path.id." example:"body.host"`
	Message  string `json:"message" doc:"What is wanted there." example:"is required"`
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Message }

// GetStatus returns the HTTP status.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders returns the headers that go with the error.
func (e *Error) GetHeaders() http.Header {
	header := http.Header{}
	if e.retryAfter > 0 {
		seconds := (e.retryAfter + time.Second - 1) / time.Second
		header.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	return header
}

func newError(status int, message string) *Error { return &Error{status: status, Message: message} }

var errUnauthorized = newError(http.StatusUnauthorized, "Invalid or missing API token")

func tooManyRequests(retry time.Duration, message string) *Error {
	return &Error{status: http.StatusTooManyRequests, Message: message, retryAfter: retry}
}

// storeRetry is how long a client should wait for the store to come back.
const storeRetry = 5 * time.Second

// clientError turns an error of the monitor into what a client may read. It is nil for an error that is nobody's
// business but the log's.
func clientError(err error) huma.StatusError {
	var (
		known     *Error
		probe     *TestFailure
		field     *config.FieldError
		duplicate *pulse.DuplicateError
		declared  *pulse.DeclaredError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &probe):
		return probe
	case errors.As(err, &field):
		return &Error{
			status: http.StatusBadRequest, Message: field.Error(),
			Details: []ErrorDetail{{Location: "body." + field.Field, Message: field.Reason}},
		}
	case errors.Is(err, pulse.ErrNotFound):
		return newError(http.StatusNotFound, "Node not found")
	case errors.As(err, &duplicate):
		return newError(http.StatusConflict, duplicate.Error())
	case errors.As(err, &declared):
		return newError(http.StatusConflict, declared.Error())
	case errors.Is(err, pulse.ErrUnavailable):
		return &Error{
			status: http.StatusServiceUnavailable, retryAfter: storeRetry,
			Message: "Pulse cannot reach its store now; nothing was changed",
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newError(http.StatusServiceUnavailable, "The request took too long and was given up")
	}
	return nil
}

// internalError is what a client reads about an error that only the log tells.
func internalError(ctx context.Context) *Error {
	return newError(http.StatusInternalServerError,
		"Something went wrong inside Pulse; its log tells more under request id "+requestID(ctx))
}

// plainError gives huma's own errors the one shape that clients know. It never fails, since huma would then answer 200.
// The rejected value, which huma repeats, may be a secret and is left out.
func plainError(ctx huma.Context, _ string, body any) (any, error) {
	model, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	ctx.SetHeader("Content-Type", "application/json")
	plain := newError(model.Status, model.Detail)
	for _, detail := range model.Errors {
		if len(plain.Details) == maxDetails {
			break
		}
		if detail != nil {
			plain.Details = append(plain.Details, detailOf(detail))
		}
	}
	if len(plain.Details) > 0 {
		plain.Message = sentence(plain.Details)
	}
	return plain, nil
}

const maxDetails = 20

func detailOf(d *huma.ErrorDetail) ErrorDetail {
	detail := ErrorDetail{Location: d.Location, Message: d.Message}
	if detail.Location == "body" {
		if _, text := d.Value.(string); text {
			// The message may hold a piece of the input, or the names of Go types.
			detail.Message = "want a JSON object with fields of the documented types"
		}
	}
	if name, ok := strings.CutPrefix(detail.Message, "expected required property "); ok {
		if name, ok = strings.CutSuffix(name, " to be present"); ok {
			return ErrorDetail{Location: detail.Location + "." + name, Message: "is required"}
		}
	}
	if rest, ok := strings.CutPrefix(detail.Message, "expected "); ok {
		detail.Message = "want " + rest
	}
	return detail
}

func sentence(details []ErrorDetail) string {
	parts := make([]string, len(details))
	for i, d := range details {
		_, field, ok := strings.Cut(d.Location, ".")
		if !ok {
			field = d.Location
		}
		parts[i] = field + ": " + d.Message
	}
	return strings.Join(parts, "; ")
}
