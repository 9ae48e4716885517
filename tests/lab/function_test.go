package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// functionProgram builds the function that does what events say.
func functionProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	const source = "github.com/proxpulse/proxpulse/tests/lab/testdata/function"
	require.NoError(t, lab.BuildProgram(t.Context(), path, source, "-tags", "lambda.norpc"))
	return path
}

func order(what string) []byte { return fmt.Appendf(nil, `{"Do":%q}`, what) }

// tells holds an error to be the platform's or the function's own.
func tells(t *testing.T, err error, kind, message string) {
	t.Helper()
	var failed *lab.FunctionError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, kind, failed.Type)
	require.Contains(t, failed.Message, message)
}

func TestFunctionAnswersAndFails(t *testing.T) {
	t.Parallel()
	program := functionProgram(t)
	f := labtest.Function(t, program, lab.FunctionOptions{Env: map[string]string{"TOLD": "1"}})
	require.Positive(t, f.Instances()[0].InitTime)
	answer, err := f.Invoke(t.Context(), order("echo"))
	require.NoError(t, err)
	require.Contains(t, string(answer), `"statusCode":200`)
	_, err = f.Invoke(t.Context(), order("fail"))
	tells(t, err, "errorString", "it shall fail")
	_, err = f.InvokeUntil(t.Context(), order("wait"), time.Now())
	tells(t, err, "deadlineExceededError", "deadline")
	_, err = f.Invoke(t.Context(), []byte(`{"Do":"much","Size":6291456}`))
	tells(t, err, "Function.ResponseSizeTooLarge", "6291458 bytes")
	require.Equal(t, 4, f.Instances()[0].Served())

	_, err = f.Invoke(t.Context(), order("end"))
	tells(t, err, "Runtime.ExitError", "exit status 3")
	_, err = f.Invoke(t.Context(), order("echo"))
	require.NoError(t, err, "by another instance")
	ctx, cancel := context.WithCancel(t.Context())
	hanging := make(chan error, 1)
	go func() {
		_, err := f.Invoke(ctx, order("hang"))
		hanging <- err
	}()
	cancel()
	require.ErrorIs(t, <-hanging, context.Canceled)
	_, err = f.Invoke(t.Context(), order("echo"))
	require.NoError(t, err)

	require.NoError(t, f.Stop(t.Context()))
	require.Contains(t, f.Log(), "told of its end")
	_, err = f.Invoke(t.Context(), order("echo"))
	require.ErrorContains(t, err, "the function has ended")

	_, err = lab.StartFunction(t.Context(), program, lab.FunctionOptions{Env: map[string]string{"FAIL": "1"}})
	tells(t, err, "Runtime.ExitError", "exit status 3")
	require.ErrorContains(t, err, "it shall fail")
	untold, err := lab.StartFunction(t.Context(), program, lab.FunctionOptions{})
	require.NoError(t, err)
	require.NoError(t, untold.Stop(t.Context()))
	<-untold.Instances()[0].Ended()
}

func TestFunctionHasAsManyInstancesAsEventsAtOnce(t *testing.T) {
	t.Parallel()
	f := labtest.Function(t, functionProgram(t), lab.FunctionOptions{Instances: 2})
	event, err := json.Marshal(map[string]string{"Do": "meet", "Path": t.TempDir()})
	require.NoError(t, err)
	var meeting sync.WaitGroup
	for range 2 {
		meeting.Go(func() {
			_, err := f.Invoke(t.Context(), event)
			require.NoError(t, err)
		})
	}
	meeting.Wait()
	for range 3 {
		_, err := f.Invoke(t.Context(), order("echo"))
		require.NoError(t, err)
	}
	require.Len(t, f.Instances(), 2)
}

func TestFrozenFunctionSleepsThroughTime(t *testing.T) {
	t.Parallel()
	f := labtest.Function(t, functionProgram(t), lab.FunctionOptions{Freezes: true, Env: map[string]string{"TOLD": "1"}})
	age := func() int {
		answer, err := f.Invoke(t.Context(), order("age"))
		require.NoError(t, err)
		n, err := strconv.Atoi(string(answer))
		require.NoError(t, err)
		return n
	}
	first := age()
	instance := f.Instances()[0]
	labtest.Await(t, "its freezing", func(context.Context) error {
		frozen, err := instance.Frozen()
		if err == nil && !frozen {
			err = fmt.Errorf("it runs")
		}
		return err
	})
	require.GreaterOrEqual(t, age(), first)
	require.Len(t, f.Instances(), 1)
	require.NoError(t, instance.Signal(syscall.SIGKILL))
	<-instance.Ended()
	age()
	require.Len(t, f.Instances(), 2)
	_, err := instance.Frozen()
	require.ErrorIs(t, err, os.ErrNotExist)
}

// passed is a request as the function was shown it.
type passed struct {
	Version, RawPath, RawQueryString, Path, HTTPMethod, Body string
	IsBase64Encoded                                          bool
	Headers                                                  map[string]string
	MultiValueHeaders                                        map[string][]string
	Cookies                                                  []string
	QueryStringParameters                                    map[string]string
	MultiValueQueryStringParameters                          map[string][]string
	RequestContext                                           struct {
		HTTP struct{ Method, Path, SourceIP string }
	}
}

func TestFrontsMakeRequestsEvents(t *testing.T) {
	t.Parallel()
	f := labtest.Function(t, functionProgram(t), lab.FunctionOptions{})
	for _, front := range lab.Fronts() {
		t.Run(string(front), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(front.Handler(f))
			t.Cleanup(server.Close)
			url := server.URL + "/api/storage/a%2Fb?x=1%2C2&x=3"
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader("\xff"))
			require.NoError(t, err)
			request.Header.Set("Cookie", "a=1; b=2")
			request.Header.Add("X-Two", "1")
			request.Header.Add("X-Two", "2")
			reply, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
			require.NoError(t, err)
			var got passed
			err = json.NewDecoder(reply.Body).Decode(&got)
			require.NoError(t, reply.Body.Close())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, reply.StatusCode)
			require.True(t, got.IsBase64Encoded)
			require.Equal(t, "/w==", got.Body)
			checkPassed(t, front, got)
		})
	}
}

func checkPassed(t *testing.T, front lab.Front, got passed) {
	t.Helper()
	sent := [2]string{http.MethodPut, "/api/storage/a%2Fb"}
	switch front {
	case lab.RESTAPI:
		require.Equal(t, sent, [2]string{got.HTTPMethod, got.Path})
		require.Equal(t, map[string][]string{"x": {"1,2", "3"}}, got.MultiValueQueryStringParameters)
		require.Equal(t, map[string]string{"x": "3"}, got.QueryStringParameters)
		require.Equal(t, []string{"1", "2"}, got.MultiValueHeaders["X-Two"])
		require.Equal(t, "a=1; b=2", got.Headers["Cookie"])
	case lab.ALB:
		require.Equal(t, sent, [2]string{got.HTTPMethod, got.Path})
		require.Equal(t, map[string]string{"x": "3"}, got.QueryStringParameters)
		require.Equal(t, "2", got.Headers["x-two"])
	case lab.ALBMulti:
		require.Equal(t, sent, [2]string{got.HTTPMethod, got.Path})
		require.Equal(t, map[string][]string{"x": {"1%2C2", "3"}}, got.MultiValueQueryStringParameters)
		require.Equal(t, []string{"1", "2"}, got.MultiValueHeaders["x-two"])
	default:
		checkPassedHTTP(t, front, got)
	}
}

func checkPassedHTTP(t *testing.T, front lab.Front, got passed) {
	t.Helper()
	path := "/api/storage/a%2Fb"
	if front == lab.HTTPAPI {
		path = "/api/storage/a/b"
	}
	require.Equal(t, [3]string{"2.0", path, "x=1%2C2&x=3"}, [3]string{got.Version, got.RawPath, got.RawQueryString})
	require.Equal(t, "1,2", got.Headers["x-two"])
	require.Equal(t, []string{"a=1", "b=2"}, got.Cookies)
	require.Equal(t, "127.0.0.1", got.RequestContext.HTTP.SourceIP)
	require.Equal(t, "127.0.0.1", got.Headers["x-forwarded-for"])
}
