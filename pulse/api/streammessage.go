package api

import (
	"encoding/json"
	"time"
)

// StreamState is a message with everything that is observed: initialState first, rawData whenever it changed.
type StreamState struct {
	Type      string    `json:"type" enum:"initialState,rawData" doc:"initialState once after welcome; rawData at most every two seconds when a status changed, at least every five while numbers move, and on request."`
	Data      State     `json:"data" doc:"The same as GET /api/state."`
	Timestamp time.Time `json:"timestamp" doc:"When it was sent."`
}

// StreamWelcome is the first message.
type StreamWelcome struct {
	Type      string      `json:"type" enum:"welcome" doc:"Always welcome."`
	Data      WelcomeData `json:"data" doc:"What is said."`
	Timestamp time.Time   `json:"timestamp" doc:"When it was sent."`
}

// WelcomeData is what the first message says.
type WelcomeData struct {
	Message string `json:"message" doc:"A greeting." example:"Connected to Pulse WebSocket"`
}

// StreamPing is sent every 30 s (ping), and answers a client's ping (pong).
type StreamPing struct {
	Type      string    `json:"type" enum:"ping,pong" doc:"ping every 30 s; pong in answer to a client's ping."`
	Data      PingData  `json:"data" doc:"The time."`
	Timestamp time.Time `json:"timestamp" doc:"When it was sent."`
}

// PingData is the time.
type PingData struct {
	Timestamp int64 `json:"timestamp" doc:"The time now, in seconds since 1970." example:"1754995749"`
}

// StreamRequest is what a client may send.
type StreamRequest struct {
	_    struct{} `additionalProperties:"true"`
	Type string   `json:"type" doc:"ping asks for a pong, requestData for the state; anything else is ignored." example:"requestData"`
}

// The messages that a client sends and Pulse answers.
const (
	requestPing = "ping"
	requestData = "requestData"
)

// requestType reads what a client asks for. What is no message asks for nothing.
func requestType(message []byte) string {
	var r struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(message, &r) != nil {
		return ""
	}
	return r.Type
}

func welcomeMessage(now time.Time) StreamWelcome {
	return StreamWelcome{Type: "welcome", Data: WelcomeData{Message: "Connected to Pulse WebSocket"}, Timestamp: now.UTC()}
}

func pingMessage(kind string, now time.Time) StreamPing {
	return StreamPing{Type: kind, Data: PingData{Timestamp: now.Unix()}, Timestamp: now.UTC()}
}

// stateMessage puts a state document, which is JSON already, into a message.
func stateMessage(kind string, state []byte, now time.Time) []byte {
	const overhead = 96
	message := make([]byte, 0, len(state)+overhead)
	message = append(message, `{"type":"`+kind+`","data":`...)
	message = append(message, state...)
	message = append(message, `,"timestamp":"`...)
	message = now.UTC().AppendFormat(message, time.RFC3339Nano)
	return append(message, `"}`...)
}
