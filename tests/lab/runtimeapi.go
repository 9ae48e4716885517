package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxInvocationAnswer is how large an answer Lambda takes, in bytes.
const maxInvocationAnswer = 6 << 20

// FunctionError is what a function tells when an invocation or its init failed, or what the platform tells in its place.
type FunctionError struct {
	// Type is one word, as "errorString", or with a namespace as "Runtime.ExitError".
	Type string `json:"errorType"`
	// Message is for people.
	Message string `json:"errorMessage"`
}

// Error returns both.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// invocation is one event on its way through an instance.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	done     chan outcome // takes one
}

type outcome struct {
	answer []byte
	err    error
}

// runtimeAPI is Lambda's runtime API of version 2018-06-01 as one instance sees it, and what of the extensions API a
// program uses that wants to be told of its end.
type runtimeAPI struct {
	address string
	work    chan *invocation    // taken when the program asks for the next event
	asked   chan struct{}       // told each time that it does
	failed  chan *FunctionError // takes one: why the init failed

	mu       sync.Mutex
	current  *invocation // handed out, and not answered
	extended bool        // SIGTERM comes before SIGKILL
}

// serveRuntimeAPI serves until ended is closed.
func serveRuntimeAPI(ctx context.Context, ended <-chan struct{}) (*runtimeAPI, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the runtime API: %w", err)
	}
	a := &runtimeAPI{
		address: listener.Addr().String(), work: make(chan *invocation),
		asked: make(chan struct{}, 1), failed: make(chan *FunctionError, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", a.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // it registered for no event
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	go func() { // ends with the process that is served
		<-ended
		_ = server.Close()
		serving.Wait()
	}()
	return a, nil
}

// next tells that the program is ready for an event, and gives it one when there is one.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.asked <- struct{}{}
	select {
	case <-r.Context().Done():
	case i := <-a.work:
		a.mu.Lock()
		a.current = i
		a.mu.Unlock()
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		header.Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
		_, _ = w.Write(i.event) // a program that is gone is noticed elsewhere
	}
}

// take returns the invocation that a request is about, which is answered by it; nil when there is none.
func (a *runtimeAPI) take(w http.ResponseWriter, r *http.Request) *invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.current
	if i == nil || i.id != r.PathValue("id") {
		refuseRuntime(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	a.current = nil
	return i
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	i := a.take(w, r)
	switch {
	case i == nil:
	case err != nil:
		i.done <- outcome{err: fmt.Errorf("read the answer: %w", err)}
	case len(body) > maxInvocationAnswer:
		const what = "Function.ResponseSizeTooLarge"
		message := fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (6291556 bytes).", len(body))
		i.done <- outcome{err: &FunctionError{Type: what, Message: message}}
		refuseRuntime(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message)
	case len(r.Trailer["Lambda-Runtime-Function-Error-Type"]) > 0:
		i.done <- outcome{err: &FunctionError{Type: r.Trailer.Get("Lambda-Runtime-Function-Error-Type")}}
		w.WriteHeader(http.StatusAccepted)
	default:
		i.done <- outcome{answer: body}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (a *runtimeAPI) failure(w http.ResponseWriter, r *http.Request) {
	failed := readFailure(r)
	if i := a.take(w, r); i != nil {
		i.done <- outcome{err: failed}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	select {
	case a.failed <- readFailure(r):
		w.WriteHeader(http.StatusAccepted)
	default:
		refuseRuntime(w, http.StatusForbidden, "InvalidStateTransition", "State transition is not allowed")
	}
}

func (a *runtimeAPI) register(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Extension-Name") == "" {
		refuseRuntime(w, http.StatusBadRequest, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.extended = true
	w.Header().Set("Lambda-Extension-Identifier", "bd2e3f2b-7a3a-4b0c-9e61-0d5a6c6a4a11")
	_, _ = io.WriteString(w, `{"functionName":"`+functionName+`"}`)
}

// toldOfItsEnd tells whether the program gets a SIGTERM, as one gets that has registered an extension.
func (a *runtimeAPI) toldOfItsEnd() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.extended
}

// readFailure reads an error as programs tell it.
func readFailure(r *http.Request) *FunctionError {
	var failed FunctionError
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, json.Unmarshal(body, &failed)); err != nil {
		return &FunctionError{Type: "Lab.Unreadable", Message: err.Error()}
	}
	return &failed
}

func refuseRuntime(w http.ResponseWriter, status int, kind, message string) {
	text, err := json.Marshal(FunctionError{Type: kind, Message: message})
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // as above
}
