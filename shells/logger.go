package shells

import (
	"io"
	"log/slog"
)

// newLogger returns a logger that writes to w; nil discards.
func newLogger(w io.Writer, l logging) *slog.Logger {
	if w == nil {
		return slog.New(slog.DiscardHandler)
	}
	options := &slog.HandlerOptions{Level: l.level}
	if l.json {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
