package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/proxpulse/proxpulse/shells"
)

// healthTimeout bounds the whole question.
const healthTimeout = 5 * time.Second

// checkHealth asks the Pulse that runs on this machine with the same settings whether it is healthy; nil is yes.
func checkHealth(ctx context.Context, getenv func(string) string) error {
	cfg, err := shells.ReadConfig(getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := healthRequest(ctx, cfg.Listen)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	transport := &http.Transport{
		// The certificate names the host as others see it, not as this machine does, and nothing secret is sent.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	reply, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	if err := reply.Body.Close(); err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	if reply.StatusCode != http.StatusOK {
		return errors.New("not healthy: it answers " + reply.Status)
	}
	return nil
}

// healthRequest names the machine by its own address: an open API answers to no public name that it was not told of,
// which the one it listens on may be.
func healthRequest(ctx context.Context, listen shells.Listen) (*http.Request, error) {
	url := localURL(listen.Address, listen.TLSCert != "") + "/api/health"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Host = "127.0.0.1"
	return req, nil
}
