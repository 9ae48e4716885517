package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"time"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// Simulator is a simulated estate in a process of its own, with the control API of [sim.Estate.Control].
type Simulator struct {
	*Process
	// Estate says how the simulated servers are reached, as of the start.
	Estate sim.Description
	// Control is the URL of the control API.
	Control string

	client *http.Client
}

// StartSimulator starts the simulator with the given flags and returns when all its servers listen. It ends with ctx.
func StartSimulator(ctx context.Context, programs Programs, args ...string) (*Simulator, error) {
	cmd := exec.CommandContext(ctx, programs.Simulator, args...) //nolint:gosec // built by Build
	if _, err := cmd.StdinPipe(); err != nil {                   // it ends with this process, which holds the other end
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	// Not a pipe of cmd's own: that would be closed by the wait for the process's end, maybe before it is read.
	lines, stdout := io.Pipe()
	cmd.Stdout = stdout
	p, err := start(cmd, nil)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = lines.CloseWithError(ctx.Err()) })
	defer stop()
	first := make(chan error, 1)
	var told struct {
		Control string `json:"control"`
		sim.Description
	}
	go func() { // the process's end closes no pipe, so both are waited for
		line, err := bufio.NewReader(lines).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &told)
		}
		first <- err
		_, _ = io.Copy(io.Discard, lines) // ends when the process has
	}()
	go func() {
		<-p.ended
		_ = stdout.Close()
	}()
	if err := <-first; err != nil {
		p.Kill()
		return nil, p.failure(fmt.Errorf("read what it tells: %w", err))
	}
	return &Simulator{Process: p, Estate: told.Description, Control: told.Control, client: newClient()}, nil
}

// Fault carries out a fault at the simulated servers.
func (s *Simulator) Fault(ctx context.Context, order sim.Order) error {
	return s.order(ctx, http.MethodPost, "/fault", order, nil)
}

// Act carries out an action on a guest, as "stop".
func (s *Simulator) Act(ctx context.Context, action string, order sim.Order) error {
	return s.order(ctx, http.MethodPost, "/guest/"+url.PathEscape(action), order, nil)
}

// Guests are the guests of a cluster as they really are, whatever its servers tell already.
func (s *Simulator) Guests(ctx context.Context, cluster string) ([]sim.Guest, error) {
	var guests []sim.Guest
	err := s.order(ctx, http.MethodGet, "/guests?cluster="+url.QueryEscape(cluster), nil, &guests)
	return guests, err
}

// Requests are the latest requests that a cluster or backup server answered, oldest first.
func (s *Simulator) Requests(ctx context.Context, target string) ([]sim.Request, error) {
	var requests []sim.Request
	err := s.order(ctx, http.MethodGet, "/requests?target="+url.QueryEscape(target), nil, &requests)
	return requests, err
}

// RequestsSince are those of Requests that came after a moment.
func (s *Simulator) RequestsSince(ctx context.Context, target string, after time.Time) ([]sim.Request, error) {
	var requests []sim.Request
	query := url.Values{"target": {target}, "since": {after.Format(time.RFC3339Nano)}}
	err := s.order(ctx, http.MethodGet, "/requests?"+query.Encode(), nil, &requests)
	return requests, err
}

// Counts are the numbers of requests that a cluster or backup server answered since the last Forget, keyed by method
// and pattern, as "GET /nodes/{node}/status".
func (s *Simulator) Counts(ctx context.Context, target string) (map[string]int, error) {
	counts := map[string]int{}
	err := s.order(ctx, http.MethodGet, "/counts?target="+url.QueryEscape(target), nil, &counts)
	return counts, err
}

// Forget starts the requests and their counts afresh.
func (s *Simulator) Forget(ctx context.Context) error {
	return s.order(ctx, http.MethodDelete, "/requests", nil, nil)
}

func (s *Simulator) order(ctx context.Context, method, path string, body, answer any) error {
	reply, err := ask(ctx, s.client, method, s.Control+path, nil, body)
	switch {
	case err != nil:
		return fmt.Errorf("control %s: %w", path, err)
	case reply.Status != http.StatusOK:
		return fmt.Errorf("control %s: %w", path, errors.New(string(bytes.TrimSpace(reply.Body))))
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(reply.Body, answer); err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	return nil
}
