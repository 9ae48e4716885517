package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// client is where the TypeScript client lies.
var client = filepath.Join("..", "..", "openapi", "clients", "typescript")

// installLimit is how long the compiler may take to come from its registry.
const installLimit = 5 * time.Minute

func TestTypeScriptClientRunsEveryOperation(t *testing.T) {
	t.Parallel()
	dir := compiled(t)
	s := newSite(t)
	input, err := json.Marshal(map[string]any{"url": s.url, "token": apiToken, "draft": s.draft})
	require.NoError(t, err)
	// The flag gives releases before 22 the WebSocket that browsers and later ones have.
	out := run(t, dir, limit, "node", "--no-warnings", "--experimental-websocket", "checked/operations.js", string(input))
	var told struct {
		Without, With                         []outcome
		Missing, Invalid, Unmodified, Between outcome
		Patience                              int
		Stage                                 string
	}
	require.NoError(t, json.Unmarshal(out, &told), "%s", out)
	for i, o := range told.Without {
		if o.Operation == "stream" { // a socket is not told why it is refused
			require.Contains(t, o.Message, "the stream was refused")
			told.Without[i] = outcome{Operation: o.Operation, Status: 401, Message: "Invalid or missing API token"}
		}
	}
	judgeOutcomes(t, told.Without, told.With)
	judgeRefusals(t, told.Missing, told.Invalid)
	require.Equal(t, 304, told.Unmodified.Status)
	require.Equal(t, outcome{Operation: "get-health", Status: 502, Message: "Bad Gateway"}, told.Between)
	require.Equal(t, 12, told.Patience)
	require.Equal(t, "refused", told.Stage)
	s.askedForAll()
}

// compiled returns a directory with the client, built as its users build it, and the calls beside it, held to its types.
func compiled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "src"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "check"), 0o700))
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "tsconfig.json"} {
		copyFile(t, filepath.Join(client, name), filepath.Join(dir, name))
	}
	sources, err := filepath.Glob(filepath.Join(client, "src", "*.ts"))
	require.NoError(t, err)
	require.NotEmpty(t, sources)
	for _, source := range sources {
		copyFile(t, source, filepath.Join(dir, "src", filepath.Base(source)))
	}
	copyFile(t, "operations.ts", filepath.Join(dir, "check", "operations.ts"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "check", "readme.ts"), []byte(readme(t)), 0o600))
	copyFile(t, "tsconfig.json", filepath.Join(dir, "check", "tsconfig.json"))
	run(t, dir, installLimit, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund") // its end is the build
	run(t, dir, limit, filepath.Join("node_modules", ".bin", "tsc"), "--project", "check")
	built, err := filepath.Glob(filepath.Join(dir, "dist", "*.js"))
	require.NoError(t, err)
	for _, name := range built {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(text), "node:", "%s is for browsers too", name)
	}
	return dir
}

// readme is the example that the client's readme shows.
func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(client, "README.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```ts\n")
	require.True(t, found)
	example, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	return example
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o600))
}

// run runs a program in a directory and returns what it printed.
func run(t *testing.T, dir string, limit time.Duration, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoErrorf(t, cmd.Run(), "%s %s\n%s%s", name, strings.Join(args, " "), stdout.String(), stderr.String())
	return stdout.Bytes()
}
