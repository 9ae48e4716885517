package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// firstURL waits for the first URL in a log.
func firstURL(t *testing.T, log io.Reader) string {
	t.Helper()
	url := regexp.MustCompile(`url=(\S+)`)
	var text []byte
	for part := make([]byte, 1<<10); ; {
		n, err := log.Read(part)
		text = append(text, part[:n]...)
		if match := url.FindSubmatch(text); match != nil || err != nil {
			require.NotNil(t, match, "%s", text)
			go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the log
			return string(match[1])
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	reply, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	require.NoError(t, err)
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	return reply.StatusCode, string(body)
}

func TestServesItsOwnRoutesBesidePulse(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-token", "xyzzy"}, writer)
		_ = writer.Close()
	}()
	url := firstURL(t, reader)
	status, text := get(t, url+"/about")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "watches Proxmox")
	status, _ = get(t, url+"/api/state")
	require.Equal(t, http.StatusUnauthorized, status)
	status, text = get(t, url+"/api/config/nodes?token=xyzzy")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "[]", strings.TrimSpace(text))
	cancel()
	require.NoError(t, <-done)
}

func TestRunTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	damaged := filepath.Join(t.TempDir(), "targets.json")
	require.NoError(t, os.WriteFile(damaged, []byte(`{"targets":[{"type":"esx"}]}`), 0o600))
	for name, args := range map[string][]string{
		"an unknown flag":    {"-loud"},
		"a file that is not": {"-targets", filepath.Join(t.TempDir(), "none")},
		"a damaged file":     {"-targets", damaged},
		"no address":         {"-listen", "nowhere:x"},
	} {
		require.Error(t, run(t.Context(), args, io.Discard), name)
	}
}
