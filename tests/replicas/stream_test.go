package replicas

import (
	"context"
	"encoding/json"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// stream opens a WebSocket that ends with the test.
func (f *fleet) stream(p *lab.Pulse) *lab.Stream {
	f.t.Helper()
	stream, err := p.Stream(f.t.Context())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = stream.Close() }) // the server may have closed it already
	return stream
}

// follow reads the states of a stream until done says so, and returns the last one as it was sent.
func (f *fleet) follow(stream *lab.Stream, what string, done func(state) bool) json.RawMessage {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), limit)
	defer cancel()
	for {
		m, err := stream.Next(ctx)
		require.NoError(f.t, err, what)
		if m.Type != "rawData" && m.Type != "initialState" {
			continue
		}
		f.keepsSecrets("a message of the stream", string(m.Data))
		var st state
		require.NoError(f.t, json.Unmarshal(m.Data, &st))
		if done(st) {
			return m.Data
		}
	}
}
