package pulseclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	pulseclient "github.com/proxpulse/proxpulse/openapi/clients/go"
)

// A program reads the state, adds a node, and learns why a node cannot be added.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(pretend)) // in place of a Pulse
	defer server.Close()
	ctx := context.Background()
	pulse, err := pulseclient.New(server.URL, "your-token")
	if err != nil {
		fmt.Println(err)
		return
	}

	state, err := pulse.GetStateWithResponse(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, vm := range state.JSON200.VMs {
		fmt.Println(vm.Name, vm.Status, vm.Freshness)
	}

	_, err = pulse.AddNodeWithResponse(ctx, pulseclient.NodeDraft{
		Type: pulseclient.NodeDraftTypePVE, Host: "pve1.example.com",
		TokenName: new("monitor@pve!pulse"), TokenValue: new("secret"),
	})
	var refused *pulseclient.Error
	if errors.As(err, &refused) && refused.Status == http.StatusConflict {
		fmt.Println("not added:", refused.Message)
	}
	// Output:
	// web01 running live
	// not added: the address https://pve1.example.com:8006 already belongs to pve1 (pve-0)
}

// pretend answers as a Pulse does.
func pretend(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error":"the address https://pve1.example.com:8006 already belongs to pve1 (pve-0)"}`)
		return
	}
	_, _ = io.WriteString(w, `{"vms":[{"name":"web01","status":"running","freshness":"live"}]}`)
}
