package shells_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/shells"
)

// A program names the stores that it links, and gives the environment.
func ExampleOpen() {
	environment := map[string]string{"API_TOKEN": "secret"}
	p, err := shells.Open(context.Background(), func(name string) string { return environment[name] }, shells.Parts{
		DefaultStore: "memory:",
		Stores: map[string]shells.StoreKind{"memory": {
			Forgets: true,
			Open:    func(context.Context, string) (store.Store, error) { return store.NewMemory(), nil },
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	w := httptest.NewRecorder()
	p.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/api/state", nil))
	fmt.Println(w.Code, p.Guarded, p.Store)
	// Output: 401 true memory:
}

func ExampleOpen_unusable() {
	environment := map[string]string{"PORT": "http", "LOG_LEVEL": "loud", "PULSE_STORE": "cloud:"}
	_, err := shells.Open(context.Background(), func(name string) string { return environment[name] }, shells.Parts{
		Stores: map[string]shells.StoreKind{"memory": {Forgets: true}},
	})
	fmt.Println(err)
	// Output:
	// PORT (--listen): want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655
	// LOG_LEVEL (--log-level): want debug, info, warn or error
	// PULSE_STORE (--store): is not a store that this program has; it has memory:
}
