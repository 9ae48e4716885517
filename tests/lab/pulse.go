package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
)

// PulseOptions say how Pulse is started. The zero value keeps everything in memory, watches nothing and is open to all.
type PulseOptions struct {
	// Dir is the directory in which Pulse keeps its data; empty keeps it in memory.
	Dir string
	// Listen is where it listens; empty takes a free port of 127.0.0.1.
	Listen string
	// Token is the API's token; empty leaves the API open.
	Token string
	// Targets is the file that declares targets; empty declares none.
	Targets string
	// Env is added to the environment, which has nothing else but PATH, and wins over the fields above. A LOG_LEVEL
	// above info hides the line by which StartPulse knows that Pulse is ready.
	Env map[string]string
	// Args are further arguments.
	Args []string
}

// environment is the whole environment of the program.
func (o PulseOptions) environment() []string {
	listen := o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	env := map[string]string{"PATH": os.Getenv("PATH"), "PORT": listen}
	if o.Dir == "" {
		env["PULSE_STORE"] = "memory:"
	} else {
		env["PULSE_DATA_DIR"] = o.Dir
		env["HOME"] = o.Dir
	}
	if o.Token != "" {
		env["API_TOKEN"] = o.Token
	}
	if o.Targets != "" {
		env["PULSE_TARGETS"] = o.Targets
	}
	maps.Copy(env, o.Env)
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// Pulse is a running Pulse.
type Pulse struct {
	*Process
	// URL is where it listens, as http://127.0.0.1:7655.
	URL string
	// Token is sent with each request unless it is empty.
	Token string

	client *http.Client
}

// StartPulse starts Pulse and returns when it listens. It ends with ctx. When it ends before it listens, the error
// holds what it wrote and an [exec.ExitError].
func StartPulse(ctx context.Context, programs Programs, o PulseOptions) (*Pulse, error) {
	cmd := exec.CommandContext(ctx, programs.Pulse, o.Args...) //nolint:gosec // built by Build
	cmd.Env = o.environment()
	p, err := start(cmd, regexp.MustCompile(`"?msg"?[=:]"?listening\b.*\burl"?[=:]"?(https?://[^"\s]+)`))
	if err != nil {
		return nil, err
	}
	select {
	case url := <-p.output.found:
		return &Pulse{Process: p, URL: url, Token: o.Token, client: newClient()}, nil
	case <-p.ended:
		if p.err == nil {
			return nil, p.failure(errors.New("it ended before it listened"))
		}
		return nil, p.failure(p.err)
	}
}

// Get reads a path.
func (p *Pulse) Get(ctx context.Context, path string) (Reply, error) {
	return p.Do(ctx, http.MethodGet, path, nil)
}

// Post sends body, as JSON, to a path.
func (p *Pulse) Post(ctx context.Context, path string, body any) (Reply, error) {
	return p.Do(ctx, http.MethodPost, path, body)
}

// Do sends a request with the token; body is sent as JSON unless it is nil, and as it is when it is a []byte. An
// answer with any status is no error.
func (p *Pulse) Do(ctx context.Context, method, path string, body any) (Reply, error) {
	return p.DoWith(ctx, method, path, nil, body)
}

// DoWith is Do with further headers.
func (p *Pulse) DoWith(ctx context.Context, method, path string, header http.Header, body any) (Reply, error) {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if p.Token != "" {
		header.Set("X-API-Token", p.Token)
	}
	reply, err := ask(ctx, p.client, method, p.URL+path, header, body)
	if err != nil {
		return Reply{}, fmt.Errorf("ask pulse: %w", err)
	}
	return reply, nil
}
