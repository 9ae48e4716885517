package deployments

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// follows opens the stream, and keeps the state that it begins with.
func (v *visit) follows() {
	header := http.Header{"X-Api-Token": {apiToken}}
	ctx, cancel := context.WithTimeout(v.Context(), limit)
	defer cancel()
	conn, response, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(v.url, "http")+"/ws", header)
	require.NoError(v, err)
	defer func() { _ = conn.Close() }() // Pulse may have closed it
	require.NoError(v, response.Body.Close())
	require.NoError(v, conn.SetReadDeadline(time.Now().Add(limit)))
	for _, kind := range []string{"welcome", "initialState"} {
		_, text, err := conn.ReadMessage()
		require.NoError(v, err)
		require.NoError(v, promise.Message(text))
		var message struct {
			Type string
			Data json.RawMessage
		}
		require.NoError(v, json.Unmarshal(text, &message))
		require.Equal(v, kind, message.Type)
		body := settledBody(reply{header: http.Header{"Content-Type": {"application/json"}}, body: message.Data})
		v.kept = append(v.kept, exchange{Name: "the stream's " + kind, Body: body})
	}
}
