package proxmox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

func Example() {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":[{"type":"qemu","vmid":100,"node":"pve1","name":"web01","status":"running","cpu":0.25,"mem":null}]}`)
	}))
	defer server.Close()

	client, err := proxmox.New(proxmox.Options{
		Kind:       proxmox.PVE,
		Address:    server.URL,
		Credential: proxmox.Credential{TokenID: "monitor@pve!pulse", TokenSecret: "5f0c…"},
		Trust:      proxmox.Trust{Fingerprint: proxmox.FingerprintOf(server.Certificate())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	resources, _, err := client.Resources(context.Background())
	if errors.Is(err, proxmox.ErrUnauthorized) {
		fmt.Println("wrong, unknown or expired credentials")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, guest := range resources.Guests {
		fmt.Println(guest.VMID, guest.Name, guest.Status, guest.CPUFraction.Value, guest.MemBytes.Known)
	}
	// Output: 100 web01 running 0.25 false
}

func ExampleNormalizeAddress() {
	fmt.Println(proxmox.NormalizeAddress(proxmox.PVE, "pve1.lan"))
	fmt.Println(proxmox.NormalizeAddress(proxmox.PBS, "2001:db8::1"))
	// Output:
	// https://pve1.lan:8006 <nil>
	// https://[2001:db8::1]:8007 <nil>
}
