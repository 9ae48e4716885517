package sim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

func Example() {
	estate, err := sim.New(sim.Demo())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := estate.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer estate.Stop()

	home := estate.Clusters()[0]
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(home.CA))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, home.URL()+"/api2/json/cluster/status", nil)
	if err != nil {
		log.Fatal(err)
	}
	credential := home.Credentials[sim.Auditor]
	request.Header.Set("Authorization", "PVEAPIToken="+credential.TokenID+"="+credential.TokenSecret)
	response, err := transport.RoundTrip(request)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var status struct {
		Data []struct{ Type, Name string }
	}
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		log.Fatal(err)
	}
	for _, row := range status.Data {
		fmt.Println(row.Type, row.Name)
	}
	// Output:
	// cluster home
	// node alder
	// node birch
	// node cedar
}
