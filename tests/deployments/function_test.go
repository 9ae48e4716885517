package deployments

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// cloud is both functions over one Redis.
type cloud struct {
	*visit
	redis       *lab.Redis
	env         map[string]string
	api, poller *lab.Function
}

// newCloud starts both functions; the client comes through an HTTP API. The poller is not on a schedule.
func newCloud(t *testing.T, s *standing) *cloud {
	t.Helper()
	c := &cloud{redis: labtest.Redis(t, lab.RedisOptions{})}
	c.env = map[string]string{
		"PULSE_STORE": c.redis.URL(), "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(),
		"API_TOKEN": apiToken, "PULSE_TARGETS": s.targets,
	}
	c.api = labtest.Function(t, programs.lambda, lab.FunctionOptions{Env: c.env, Freezes: true})
	c.poller = labtest.Function(t, programs.poller, lab.FunctionOptions{Env: c.env, Freezes: true, Timeout: pollingTime})
	c.visit = newVisit(t, c.behind(t, lab.HTTPAPI), s)
	return c
}

// behind is the API's function behind a front.
func (c *cloud) behind(t *testing.T, front lab.Front) deployment {
	t.Helper()
	server := httptest.NewServer(front.Handler(c.api))
	t.Cleanup(server.Close)
	return deployment{name: string(front), url: server.URL, function: true}
}

// polls has the poller poll until the end of the test, and waits for the first readings of what a file declares.
func (c *cloud) polls() {
	c.Helper()
	schedule(c.T, c.poller)
	c.awaitReadings()
}

func (c *cloud) awaitReadings() {
	c.Helper()
	c.await("the first readings", "/api/state", func(r reply) error {
		var s shown
		r.json(c.T, &s)
		if len(s.Targets) != 1 || s.Targets[0].Status != "connected" {
			return fmt.Errorf("the target was not read: %v", s.Targets)
		}
		return nil
	})
}

// poll gives the poller the event of its schedule, once, and returns its answer.
func (c *cloud) poll() string {
	c.Helper()
	answer, err := c.poller.Invoke(c.Context(), scheduled())
	require.NoError(c, err)
	return string(answer)
}

func (c *cloud) state() shown {
	c.Helper()
	var s shown
	r := c.send(request{method: http.MethodGet, path: "/api/state"})
	require.Equal(c, http.StatusOK, r.status, "%.500s", r.body)
	r.json(c.T, &s)
	return s
}

// failed is the error of a function.
func failed(t *testing.T, err error) *lab.FunctionError {
	t.Helper()
	var f *lab.FunctionError
	require.ErrorAs(t, err, &f)
	return f
}

func TestFunctionsSayAtInitAllThatIsMissing(t *testing.T) {
	t.Parallel()
	for program, missing := range map[string][]string{
		programs.lambda: {"API_TOKEN", "PULSE_ENCRYPTION_KEY", "PULSE_STORE"},
		programs.poller: {"PULSE_ENCRYPTION_KEY", "PULSE_STORE"},
	} {
		_, err := lab.StartFunction(t.Context(), program, lab.FunctionOptions{})
		message := failed(t, err).Message
		for _, name := range missing {
			require.Contains(t, message, name)
		}
		require.Len(t, strings.Split(message, "\n"), len(missing), "%s: a sentence for each", message)
	}
}

func TestFunctionsSayAtInitWhatIsWrong(t *testing.T) {
	t.Parallel()
	redis := labtest.Redis(t, lab.RedisOptions{Password: "s3cret-of-redis"})
	good := map[string]string{"PULSE_STORE": redis.URL(), "PULSE_ENCRYPTION_KEY": config.NewKey().Encode(), "API_TOKEN": apiToken}
	f := labtest.Function(t, programs.lambda, lab.FunctionOptions{Env: good})
	require.Positive(t, f.Instances()[0].InitTime)
	for name, tt := range map[string]struct{ variable, value, says string }{
		"another key":          {"PULSE_ENCRYPTION_KEY", config.NewKey().Encode(), "key"},
		"a key that is none":   {"PULSE_ENCRYPTION_KEY", "short", "PULSE_ENCRYPTION_KEY"},
		"a wrong password":     {"PULSE_STORE", strings.Replace(redis.URL(), "s3cret", "wrong", 1), "password"},
		"a file for a store":   {"PULSE_STORE", "sqlite:", "PULSE_STORE"},
		"memory for a store":   {"PULSE_STORE", "memory:", "PULSE_STORE"},
		"targets that are not": {"PULSE_TARGETS", "/nowhere/targets.json", "/nowhere/targets.json"},
		"a path that is none":  {"PULSE_BASE_PATH", "pulse?", "PULSE_BASE_PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(good)
			env[tt.variable] = tt.value
			_, err := lab.StartFunction(t.Context(), programs.lambda, lab.FunctionOptions{Env: env})
			message := failed(t, err).Message
			require.Contains(t, message, tt.says)
			require.NotContains(t, err.Error(), "s3cret-of-redis")
			require.NotContains(t, err.Error(), good["PULSE_ENCRYPTION_KEY"])
		})
	}
}

func TestUnknownEventsAreErrorsAndEndNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newStanding(t))
	for _, event := range []string{"{}", "null", "7", `"x"`, "[]", `{"version":"3.0"}`, `{"Records":[{}]}`, string(scheduled())} {
		_, err := c.api.Invoke(t.Context(), []byte(event))
		require.Contains(t, failed(t, err).Message, "HTTP", event)
	}
	for _, event := range []string{"{}", "null", `{"httpMethod":"GET","path":"/"}`} {
		_, err := c.poller.Invoke(t.Context(), []byte(event))
		require.Contains(t, failed(t, err).Message, "schedule", event)
	}
	c.get("/api/health")
	require.Len(t, c.api.Instances(), 1, "it survived all of them")
	require.Len(t, c.poller.Instances(), 1)
}

func TestInvocationsKeepToTheirDeadlines(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newStanding(t))
	_, err := c.poller.InvokeUntil(t.Context(), scheduled(), time.Now().Add(5*time.Second))
	require.Contains(t, failed(t, err).Message, "timeout")

	c.polls()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := lab.RESTAPI.Event(r)
		if err == nil {
			_, err = c.api.InvokeUntil(r.Context(), event, time.Now().Add(-time.Second))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(server.Close)
	r, err := c.transport.RoundTrip(c.to(server.URL + "/api/state"))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close(), "it answers something, and in time")
	require.Equal(t, 6, len(c.state().VMs)+len(c.state().Containers), "the next one is as good as any")
	require.Len(t, c.api.Instances(), 1)
}

func (c *cloud) to(url string) *http.Request {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(c, err)
	r.Header.Set("X-API-Token", apiToken)
	return r
}

// TestThawedFunctionKnowsWhatHappenedMeanwhile freezes both functions while time passes, guests vanish and the connections
// to Redis are cut, as in an instance that nobody has asked for a while.
func TestThawedFunctionKnowsWhatHappenedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	c := newCloud(t, s)
	c.poll()
	before := running(c.state())
	require.NotEmpty(t, before)
	for _, f := range []*lab.Function{c.api, c.poller} {
		frozen, err := f.Instances()[0].Frozen()
		require.NoError(t, err)
		require.True(t, frozen)
	}
	guests, err := s.Guests(declared)
	require.NoError(t, err)
	for _, g := range guests {
		if g.Status == "running" {
			require.NoError(t, s.RemoveGuest(declared, g.VMID))
		}
	}
	s.advance(time.Minute)
	require.NoError(t, c.redis.CutClients(t.Context()))
	c.poll()
	require.NoError(t, c.redis.CutClients(t.Context()))
	require.Empty(t, running(c.state()), "the first answer after that shows it")
	require.Len(t, c.api.Instances(), 1)
	require.Len(t, c.poller.Instances(), 1)
}

func running(s shown) (names []string) {
	for _, g := range s.VMs {
		if g.Status == "running" {
			names = append(names, g.Name)
		}
	}
	for _, g := range s.Containers {
		if g.Status == "running" {
			names = append(names, g.Name)
		}
	}
	return names
}

func TestManyInstancesAnswerTheSame(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newStanding(t))
	c.polls()
	const clients = 8
	var asking sync.WaitGroup
	answers := make([]string, clients)
	for i := range clients {
		asking.Go(func() {
			for range 3 {
				r := c.send(request{method: http.MethodGet, path: "/api/state"})
				answers[i] = settledBody(r)
			}
		})
	}
	asking.Wait()
	for _, answer := range answers {
		require.Equal(t, answers[0], answer)
	}
	require.Greater(t, len(c.api.Instances()), 1)
	changed := c.send(request{method: http.MethodPut, path: systemPath, body: map[string]any{"pollingInterval": 77}})
	require.Equal(t, http.StatusOK, changed.status)
	for range clients {
		asking.Go(func() {
			r := c.send(request{method: http.MethodGet, path: systemPath})
			if !strings.Contains(string(r.body), `"pollingInterval":77`) {
				t.Errorf("an instance does not know of the change: %s", r.body)
			}
		})
	}
	asking.Wait()
}

func TestFunctionsEndInOrder(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newStanding(t))
	poller := labtest.Function(t, programs.poller, lab.FunctionOptions{Env: c.env, Timeout: time.Minute})
	ended := make(chan error, 1)
	go func() { // ends with the instance
		_, err := poller.Invoke(t.Context(), scheduled())
		ended <- err
	}()
	c.awaitReadings()
	// In the middle of polling. Its code may tell that this machine was too slow for what the platform gives it.
	if err := poller.Instances()[0].Stop(t.Context()); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 1, exit.ExitCode())
	}
	require.Error(t, <-ended, "an invocation that was cut short is not taken for a whole one")
	require.Len(t, c.state().Nodes, 2, "what was read is kept")
	require.NoError(t, c.api.Stop(t.Context()), "SIGTERM, and the code 0")
}

func TestFunctionWithoutItsRedisSaysSoAndRecovers(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newStanding(t))
	require.Contains(t, c.poll(), `"targets":1`)
	require.NotEmpty(t, c.state().Nodes)
	c.redis.Kill()
	require.NotEmpty(t, c.state().Nodes, "the last state stays")
	r := c.send(request{method: http.MethodPut, path: systemPath, body: map[string]any{"pollingInterval": 77}})
	require.Equal(t, http.StatusServiceUnavailable, r.status, "%s", r.body)
	require.Equal(t, http.StatusServiceUnavailable, c.send(request{method: http.MethodGet, path: "/api/ready"}).status)

	cold := labtest.Function(t, programs.lambda, lab.FunctionOptions{Env: c.env}) // a Redis that is away fails no init
	server := httptest.NewServer(lab.FunctionURL.Handler(cold))
	t.Cleanup(server.Close)
	second := newVisit(t, deployment{name: "cold", url: server.URL, function: true}, c.estate)
	r = second.send(request{method: http.MethodGet, path: "/api/state"})
	require.Equal(t, http.StatusServiceUnavailable, r.status, "%s", r.body)
	require.NotEmpty(t, r.header.Get("Retry-After"))

	require.NoError(t, c.redis.Start(t.Context()))
	for _, v := range []*visit{c.visit, second} {
		v.await("its Redis", "/api/config/system", func(reply) error { return nil })
	}
}

// newLarge starts an estate of one cluster with so many guests.
func newLarge(t *testing.T, guests int) *standing {
	t.Helper()
	return start(t, sim.Config{Seed: 4, Guests: guests})
}

// TestAnswersKeepToTheLimitsOfTheFronts asks for a state that is larger than a load balancer passes on.
func TestAnswersKeepToTheLimitsOfTheFronts(t *testing.T) {
	t.Parallel()
	c := newCloud(t, newLarge(t, 1700))
	c.polls()
	for _, front := range lab.Fronts() {
		v := newVisit(t, c.behind(t, front), c.estate)
		plain := v.send(request{method: http.MethodGet, path: "/api/state", header: []string{"Accept-Encoding: identity"}})
		packed := v.send(request{method: http.MethodGet, path: "/api/state", header: []string{"Accept-Encoding: gzip"}})
		require.Equal(t, http.StatusOK, packed.status, front)
		require.Equal(t, "gzip", packed.header.Get("Content-Encoding"), front)
		require.Greater(t, len(packed.body), 1<<20)
		if front != lab.ALB && front != lab.ALBMulti {
			require.Equal(t, http.StatusOK, plain.status, front)
			continue
		}
		require.Equal(t, http.StatusRequestEntityTooLarge, plain.status, front)
		require.Contains(t, string(plain.body), "Accept-Encoding: gzip")
		require.Contains(t, string(plain.body), "/api/storage/{id}")
	}
}
