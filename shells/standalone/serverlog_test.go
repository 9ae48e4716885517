package main

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFailedHandshakesAreNoWarnings(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level][]string{
		slog.LevelInfo:  {"level=WARN msg=\"http: Accept error\""},
		slog.LevelDebug: {"level=DEBUG msg=\"http: TLS handshake error from 192.0.2.7: EOF\"", "level=WARN msg=\"http: Accept error\""},
	} {
		var out bytes.Buffer
		handler := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})
		log := slog.NewLogLogger(handshakeQuietly{handler}, slog.LevelWarn)
		log.Print("http: TLS handshake error from 192.0.2.7: EOF")
		log.Print("http: Accept error")
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		require.Len(t, lines, len(want))
		for i, line := range lines {
			require.Contains(t, string(line), want[i])
		}
	}
}
