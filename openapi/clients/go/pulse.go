package pulseclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Pulse is a running Pulse, as a client sees it.
type Pulse struct {
	*ClientWithResponses

	server *url.URL
	token  string
	client HttpRequestDoer // what the options chose
}

// New returns a client of the Pulse at an address, as http://pulse.local:7655 or, behind a proxy, with a path. The token
// is API_TOKEN; it may be empty where the API is open. It asks nothing yet.
//
// [WithHTTPClient] gives another [http.Client], for time-outs or certificates of one's own, [WithRequestEditorFn] changes
// each request.
func New(address, token string, options ...ClientOption) (*Pulse, error) {
	server, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address of pulse: %w", err)
	}
	if server.Scheme != "http" && server.Scheme != "https" || server.Host == "" {
		return nil, fmt.Errorf("address of pulse: want http:// or https:// and a host, got %q", address)
	}
	generated, err := NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("client of pulse: %w", err)
	}
	p := &Pulse{
		ClientWithResponses: &ClientWithResponses{ClientInterface: generated},
		server:              server, token: token, client: generated.Client,
	}
	generated.Client = refusals{generated.Client}
	if token != "" {
		generated.RequestEditors = append(generated.RequestEditors, p.authorize)
	}
	return p, nil
}

// keyHeader is where the token goes.
const keyHeader = "X-API-Token"

func (p *Pulse) authorize(_ context.Context, r *http.Request) error {
	r.Header.Set(keyHeader, p.token)
	return nil
}

// refusals makes errors of answers that are none to the question.
type refusals struct{ next HttpRequestDoer }

// Do sends a request.
func (d refusals) Do(r *http.Request) (*http.Response, error) {
	response, err := d.next.Do(r)
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	defer func() { _ = response.Body.Close() }() // what could be read was
	return nil, refusal(response)
}
