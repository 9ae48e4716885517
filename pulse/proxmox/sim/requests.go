package sim

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// keptRequests bounds how many single requests are remembered per target.
const keptRequests = 20_000

// Request is one request that a simulated server received.
type Request struct {
	// Node is the member that was asked; on PBS the server's name.
	Node   string `json:"node"`
	Method string `json:"method"`
	// Path is below /api2/json, without the query.
	Path  string `json:"path"`
	Query string `json:"query,omitempty"`
	// Pattern is Path with placeholders, such as
	// "/nodes/{node}/qemu/{vmid}/status/current"; empty when the path is unknown.
	Pattern string `json:"pattern,omitempty"`
	// Status is the code that was answered.
	Status int       `json:"status"`
	At     time.Time `json:"at"`
	// Tick is the number of the tick in which it came.
	Tick int64 `json:"tick"`
	// Bytes is the length of the body before compression.
	Bytes int `json:"bytes"`
	// Agent is the User-Agent, by which programs can be told apart that watch
	// the same servers.
	Agent string `json:"agent,omitempty"`
}

// requestLog remembers what each target was asked.
type requestLog struct {
	mu      sync.Mutex
	targets map[string]*targetLog
}

type targetLog struct {
	recent []Request
	counts map[string]int
}

func newRequestLog() *requestLog {
	return &requestLog{targets: map[string]*targetLog{}}
}

func (l *requestLog) add(target string, r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.targets[target]
	if t == nil {
		t = &targetLog{counts: map[string]int{}}
		l.targets[target] = t
	}
	if len(t.recent) >= keptRequests {
		t.recent = slices.Delete(t.recent, 0, keptRequests/2)
	}
	t.recent = append(t.recent, r)
	name := r.Pattern
	if name == "" {
		name = r.Path
	}
	t.counts[r.Method+" "+name]++
}

// Requests are the latest requests (at least 10,000) of a cluster or PBS in
// the order they were answered.
func (e *Estate) Requests(target string) []Request {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	t := e.log.targets[target]
	if t == nil {
		return nil
	}
	return slices.Clone(t.recent)
}

// requestsSince are the requests that came after a time; all without one.
func (e *Estate) requestsSince(target, since string) ([]Request, error) {
	requests := e.Requests(target)
	if since == "" {
		return requests, nil
	}
	after, err := time.Parse(time.RFC3339Nano, since)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(requests, func(r Request) bool { return !r.At.After(after) }), nil
}

// RequestCounts counts the requests of a cluster or PBS since the last
// [Estate.ForgetRequests], keyed by method and pattern, such as
// "GET /nodes/{node}/status".
func (e *Estate) RequestCounts(target string) map[string]int {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	t := e.log.targets[target]
	if t == nil {
		return map[string]int{}
	}
	return maps.Clone(t.counts)
}

// ForgetRequests starts the request log afresh, of all targets.
func (e *Estate) ForgetRequests() {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.log.targets = map[string]*targetLog{}
}
