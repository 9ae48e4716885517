package proxpulse_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// linkedByEmbedders are the modules of other people that a program carries which embeds the monitor with the memory
// store: nothing for HTTP, Redis, SQLite or a cloud.
var linkedByEmbedders = []string{"github.com/klauspost/compress"}

// unlinked are the rooms that such a program does not carry.
var unlinked = []string{
	"pulse/api", "pulse/store/sqlitestore", "pulse/store/redisstore", "pulse/metrics", "pulse/dashboard", "pulse/update",
	"pulse/notify/email", "pulse/notify/webhook", "pulse/notify/services", "shells", "openapi",
}

func TestEmbeddersCarryOnlyTheMonitor(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"pulse", "pulse/store", "examples/embed", "examples/watch", "examples/customstore"} {
		t.Run(room, func(t *testing.T) {
			t.Parallel()
			linked := listLinked(t, room)
			require.Contains(t, linked, module+"/"+room)
			require.Empty(t, checkLinked(linked))
		})
	}
}

// listLinked returns the packages of a program, but for those of the standard library.
func listLinked(t *testing.T, room string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+room)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list: %s", stderr.String())
	return strings.Fields(string(out))
}

func checkLinked(linked []string) (broken []string) {
	for _, path := range linked {
		room, ours := strings.CutPrefix(path, module+"/")
		if ours && within(room, unlinked...) || !ours && !within(path, linkedByEmbedders...) {
			broken = append(broken, path)
		}
	}
	return broken
}

func TestLinkedPackagesCanBreak(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"github.com/danielgtaylor/huma/v2", "github.com/redis/go-redis/v9", "modernc.org/sqlite/lib",
		"github.com/aws/aws-lambda-go/lambda", "github.com/gorilla/websocket",
		module + "/pulse/api", module + "/pulse/store/sqlitestore", module + "/shells",
	} {
		require.Equal(t, []string{path}, checkLinked([]string{path, module + "/pulse"}))
	}
}
