package main

import (
	"context"
	"log/slog"
	"strings"
)

// handshakeQuietly is a log handler under which failed TLS handshakes are no warnings: every scanner on the network
// causes some.
type handshakeQuietly struct{ slog.Handler }

// Handle lowers the level of such a line.
func (h handshakeQuietly) Handle(ctx context.Context, record slog.Record) error {
	if strings.HasPrefix(record.Message, "http: TLS handshake error") {
		record.Level = slog.LevelDebug
		if !h.Enabled(ctx, record.Level) {
			return nil
		}
	}
	return h.Handler.Handle(ctx, record)
}
