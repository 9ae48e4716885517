package pulseclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is an answer that is no success.
type Error struct {
	// Status is the HTTP status, as 404.
	Status int
	// Message says in a sentence what is wrong. Readiness has no other error than its reasons, which stand here.
	Message string
	// Details are the places in the request that are wrong; nil where none is named.
	Details []ErrorDetail
	// Failure tells how far a connection test came; nil for every other error.
	Failure *FailedStage
	// RetryAfter is how long to wait before the next try; zero where Pulse does not say.
	RetryAfter time.Duration
	// RequestID is the id under which Pulse logs the request.
	RequestID string
}

// Error returns the sentence and the status.
func (e *Error) Error() string { return fmt.Sprintf("pulse: %s (status %d)", e.Message, e.Status) }

// maxRetry bounds the seconds to wait; more is nonsense, and would not fit a duration.
const maxRetry = 1 << 30

// maxRefusal bounds what is read of an answer that is no success.
const maxRefusal = 1 << 20

// refusal reads an answer that is no success. One that is not Pulse's, as of a proxy in between, has its status only.
func refusal(response *http.Response) *Error {
	e := &Error{
		Status: response.StatusCode, Message: http.StatusText(response.StatusCode),
		RequestID: response.Header.Get("X-Request-Id"),
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, maxRetry)) * time.Second
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	var said struct {
		Error   string
		Details []ErrorDetail
		Failure *FailedStage
		Reasons []string
	}
	if err != nil || json.Unmarshal(body, &said) != nil {
		return e
	}
	e.Details, e.Failure = said.Details, said.Failure
	switch {
	case said.Error != "":
		e.Message = said.Error
	case len(said.Reasons) > 0:
		e.Message = strings.Join(said.Reasons, "; ")
	}
	return e
}
