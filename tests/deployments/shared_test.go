package deployments

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// replicas are two on one Redis, of which each gets every other request.
func replicas(t *testing.T, s *standing) deployment {
	t.Helper()
	env := shared(t, s)
	var urls []string
	for range 2 {
		urls = append(urls, startPulse(t, s, lab.PulseOptions{Env: env}))
	}
	return deployment{name: "replicas", url: inTurns(t, urls, nil), several: true}
}

// shared is the environment of processes that share a Redis of their own.
func shared(t *testing.T, s *standing) map[string]string {
	t.Helper()
	return map[string]string{
		"PULSE_STORE": labtest.Redis(t, lab.RedisOptions{}).URL(), "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(),
		"API_TOKEN": apiToken, "PULSE_TARGETS": s.targets,
	}
}

// function is the API's function, behind each front in turns, and the poller's on a schedule.
func function(t *testing.T, s *standing) deployment {
	t.Helper()
	env := shared(t, s)
	api := labtest.Function(t, programs.lambda, lab.FunctionOptions{Env: env, Freezes: true})
	schedule(t, labtest.Function(t, programs.poller, lab.FunctionOptions{Env: env, Timeout: pollingTime}))
	d := deployment{name: "function", function: true, fronts: map[lab.Front]string{}}
	var urls []string
	for _, front := range lab.Fronts() {
		server := httptest.NewServer(front.Handler(api))
		t.Cleanup(server.Close)
		d.fronts[front] = server.URL
		urls = append(urls, server.URL)
	}
	d.url = inTurns(t, urls, func(r *http.Request, url string) bool {
		return url != d.fronts[lab.HTTPAPI] || survivesDecoding(r.URL)
	})
	return d
}

// pollingTime is how long an invocation of the poller takes: little more than it needs to be of use.
const pollingTime = 12 * time.Second

// schedule gives a poller the event of its schedule until the end of the test, again as soon as it has ended. The end
// of the test waits for none of them.
func schedule(t *testing.T, poller *lab.Function) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var polling sync.WaitGroup
	polling.Go(func() {
		for ctx.Err() == nil {
			if _, err := poller.Invoke(ctx, scheduled()); err != nil && ctx.Err() == nil {
				t.Errorf("poll: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		polling.Wait()
	})
}

// scheduled is the event of a schedule, as EventBridge sends it.
func scheduled() []byte {
	return []byte(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",` +
		`"source":"aws.events","account":"123456789012","time":"2026-01-02T03:04:05Z","region":"eu-central-1",` +
		`"resources":["arn:aws:events:eu-central-1:123456789012:rule/pulse"],"detail":{}}`)
}

// inTurns serves HTTP and passes each request on to the next of several servers that may have it.
func inTurns(t *testing.T, urls []string, may func(*http.Request, string) bool) string {
	t.Helper()
	var turn atomic.Int64
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		next := urls[int(turn.Add(1))%len(urls)]
		for may != nil && !may(r.In, next) {
			next = urls[int(turn.Add(1))%len(urls)]
		}
		target, err := url.Parse(next)
		if err != nil {
			t.Errorf("the address of a server: %v", err)
			return
		}
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
		r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was sent, also where it cannot be read
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	require.NotEmpty(t, urls)
	return server.URL
}
