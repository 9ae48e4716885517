package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func ExampleNew() {
	ctx := context.Background()
	monitor, err := pulse.New(pulse.Options{Store: store.NewMemory(), Keyring: config.NewKeyring(config.NewKey())})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := monitor.Load(ctx); err != nil {
		fmt.Println(err)
		return
	}
	served, err := api.New(api.Options{Monitor: monitor, Token: "a-long-secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = served.Close(ctx) }() // there are no streams to wait for

	r := httptest.NewRequest(http.MethodGet, "/api/config/nodes", nil)
	r.Header.Set("X-API-Token", "a-long-secret")
	w := httptest.NewRecorder()
	served.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body.String())
	// Output: 200 []
}
