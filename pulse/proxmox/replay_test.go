package proxmox

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// outcome is what a client makes of a recording.
type outcome struct {
	Value     any    `json:"value,omitempty"`
	Error     string `json:"error,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Privilege string `json:"privilege,omitempty"`
	Object    string `json:"object,omitempty"`
}

// replay makes the call that a recorded path belongs to.
func replay(ctx context.Context, c *Client, path string) (any, Meta, error) {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch path {
	case "/version":
		return boxed(c.Version(ctx))
	case "/access/permissions":
		return boxed(c.Permissions(ctx))
	case "/cluster/resources":
		return boxed(c.Resources(ctx))
	case "/cluster/status":
		return boxed(c.ClusterStatus(ctx))
	case "/cluster/tasks":
		return boxed(c.ClusterTasks(ctx))
	case "/nodes":
		return boxed(c.Nodes(ctx))
	case "/storage":
		return boxed(c.Storages(ctx))
	}
	switch {
	case len(parts) == 3 && parts[2] == "status":
		return boxed(c.NodeStatus(ctx, parts[1]))
	case len(parts) == 4 && parts[2] == "certificates":
		return boxed(c.Certificates(ctx, parts[1]))
	case len(parts) == 6 && parts[4] == "status":
		vmid, _ := strconv.Atoi(parts[3])
		return boxed(c.GuestStatus(ctx, parts[1], GuestKind(parts[2]), vmid))
	case len(parts) == 6 && parts[4] == "agent":
		vmid, _ := strconv.Atoi(parts[3])
		return boxed(c.GuestFilesystems(ctx, parts[1], vmid))
	}
	// A path no call has: how its failure is read is what counts.
	return boxed(fetch(ctx, c, call{op: "read", path: path}, anObject, func(s *scanner) string { s.skip(); return "" }))
}

func boxed[T any](v T, m Meta, err error) (any, Meta, error) { return v, m, err }

// TestRecordedReplies sends every recording through a real client over TLS. What comes out is held against golden
// files that were checked against the recordings by hand.
func TestRecordedReplies(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, r := range recordings(t) {
		if r.Method != http.MethodGet {
			continue
		}
		name := strings.NewReplacer("/", "_", "?", "_", "=", "_", "!", "_").Replace(strings.Trim(r.Path, "/"))
		name = r.Scenario + "/" + name + "__" + r.User
		if seen[name]++; seen[name] > 1 {
			name += "_" + strconv.Itoa(seen[name])
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, r)
			value, meta, err := replay(t.Context(), newClient(t, s), r.Path)
			if err == nil {
				require.Equal(t, 200, r.Status)
				require.Equal(t, len(r.body), meta.Bytes)
				require.False(t, meta.ServerTime.IsZero())
			}
			require.Equal(t, s.URL, meta.Member)
			checkGolden(t, filepath.Join("testdata", "golden", name+".json"), outcomeOf(value, err))
		})
	}
}

func outcomeOf(value any, err error) outcome {
	if err == nil {
		return outcome{Value: value}
	}
	out := outcome{Error: "an error of another type"}
	if e, ok := errors.AsType[*Error](err); ok {
		out = outcome{Error: e.Message, Privilege: e.Privilege, Object: e.Object}
		if e.Kind != nil {
			out.Kind = e.Kind.Error()
		}
	}
	return out
}

func checkGolden(t *testing.T, file string, got outcome) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", " ")
	require.NoError(t, err)
	text = append(text, '\n')
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, text, 0o600))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
}
