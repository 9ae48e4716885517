package shells

import (
	"encoding/json"
	"net/http"

	"github.com/proxpulse/proxpulse/pulse/api"
)

// Refuse answers a request that a program does not hand to the API with an error of the API's own form.
func Refuse(w http.ResponseWriter, status int, sentence string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	body, _ := json.Marshal(api.Error{Message: sentence}) // a string
	_, _ = w.Write(append(body, '\n'))                    // a client that went away needs no answer
}
