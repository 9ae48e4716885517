package deployments

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// passing are the fields that may differ from one deployment to another, and why: what depends on when something happened,
// where somebody was reached, and what a process says of itself. A name with dots is the path from the top; lists have no
// part in it.
func passing() map[string]string {
	return map[string]string{
		"timestamp": "time of the answer", "uptime": "age of the process", "stats.uptime": "age of the process",
		"stats.startTime": "time of the start", "lastUpdate": "time of a change",
		"stats.pollingCycles": "counts what happened in time", "performance.totalApiCalls": "counts what happened in time",
		"performance.failedApiCalls": "counts what happened in time", "performance.lastPollDuration": "length of time",
		"latency": "length of time", "clockSkewSeconds": "difference of times",
		"frontendPort": "address",
		"store":        "size in time", "system.numGoroutine": "the process", "system.memoryMB": "the process",
		"system.heldMB": "the process", "system.pollingCycles": "counts what happened in time",
		"nodes.poll": "times and counts", "pbs.poll": "times and counts", "nodes.lastPoll": "time", "pbs.lastPoll": "time",
		"nodes.members": "addresses and times", "pbs.members": "addresses and times",
	}
}

// passingAnywhere are the same, wherever they stand.
func passingAnywhere() []string {
	return []string{"lastSeen", "LastSeen", "observedAt", "detailAt", "at", "filesystemsAt", "lastSuccess", "guestReported"}
}

// settledBody is a body with the passing fields' values taken out. Whether they are there still counts.
func settledBody(r reply) string {
	media, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if media != "application/json" || len(r.body) == 0 {
		return string(r.body)
	}
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return string(r.body)
	}
	settle(value, "")
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return string(r.body)
	}
	return string(text)
}

func settle(value any, at string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			settle(element, at)
		}
	case map[string]any:
		for name, field := range value {
			path := strings.TrimPrefix(at+"."+name, ".")
			if _, found := passing()[path]; (found || slices.Contains(passingAnywhere(), name)) && field != nil {
				value[name] = "passing"
				continue
			}
			settle(field, path)
		}
	}
}

// settledHeader is a header without what every answer makes up anew, and what belongs to a connection.
func settledHeader(header http.Header) http.Header {
	out := http.Header{}
	for name, values := range header {
		switch name {
		case "Date", "Content-Length", "Connection", "Upgrade", "X-Request-Id", "Transfer-Encoding":
		case "Etag", "Pulse-Revision", "Retry-After":
			out[name] = []string{"passing"}
		default:
			out[name] = parts(values)
		}
	}
	return out
}

// parts are the values of a header one by one: those on lines of their own may be joined on the way.
func parts(values []string) []string {
	all := map[string]bool{}
	for _, line := range values {
		for value := range strings.SplitSeq(line, ",") {
			all[strings.TrimSpace(value)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func TestOnlyPassingFieldsAreTakenOut(t *testing.T) {
	t.Parallel()
	header := http.Header{"Content-Type": {"application/json"}}
	body := `{"nodes":[{"uptime":7,"cpu":0.5,"lastSeen":"x"}],"stats":{"uptime":1,"version":"dev"},"at":null,"timestamp":1}`
	want := `{"nodes":[{"uptime":7,"cpu":0.5,"lastSeen":"passing"}],` +
		`"stats":{"uptime":"passing","version":"dev"},"at":null,"timestamp":"passing"}`
	require.JSONEq(t, want, settledBody(reply{header: header, body: []byte(body)}))
	require.Equal(t, "{", settledBody(reply{header: header, body: []byte("{")}))
	require.Equal(t, "openapi", settledBody(reply{header: http.Header{}, body: []byte("openapi")}))
	require.Equal(t, http.Header{"Vary": {"Accept-Encoding", "Origin"}, "Etag": {"passing"}}, settledHeader(http.Header{
		"Vary": {"Origin", "Accept-Encoding, Origin"}, "Etag": {`"x"`}, "Date": {"now"},
	}))
}
