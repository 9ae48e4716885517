// Package function is what Pulse's programs for AWS Lambda have in common around the events they handle: one instance of
// a Pulse that is opened at init, kept between events, and closed when the platform ends the process.
//
// A setting that is missing or wrong fails the init with the sentences that say so. A store that cannot be reached does
// not: the instance tries again with each event, so that a Redis which is away for a moment does not have the platform
// start process after process.
//
// The package is for Pulse's own programs and may change.
package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/proxpulse/proxpulse/shells"
)

// EnvRuntimeAPI is where the platform says how it is reached. It is set in Lambda and nowhere else.
const EnvRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"

const (
	// initLimit bounds the opening at init, for which the platform gives 10 s in all.
	initLimit = 6 * time.Second
	// endLimit bounds the end of the process. The platform may kill it half a second after SIGTERM.
	endLimit = 2 * time.Second
)

// Instance is one instance of a function.
type Instance struct {
	// Config is what the environment says; what is wrong with it fails the init.
	Config shells.Config
	Log    *slog.Logger

	open func(ctx context.Context) (*shells.Pulse, error)

	opening chan struct{} // taken by whoever uses pulse
	pulse   *shells.Pulse // nil until it could be opened
	events  chan struct{} // a place taken for each event that is handled
}

// maxEvents is how many events an instance handles at the same time. The platform sends one, unless it was asked for more.
const maxEvents = 64

// New returns an instance over the environment. It opens nothing.
func New(getenv func(string) string, parts shells.Parts) *Instance {
	cfg, _ := shells.ReadConfig(getenv)
	return &Instance{
		Config: cfg, Log: cfg.Logger(parts.Log),
		open:    func(ctx context.Context) (*shells.Pulse, error) { return shells.Open(ctx, getenv, parts) },
		opening: make(chan struct{}, 1),
		events:  make(chan struct{}, maxEvents),
	}
}

// Pulse returns the instance's Pulse, and opens it where that did not succeed before. Errors are those of [shells.Open].
func (i *Instance) Pulse(ctx context.Context) (*shells.Pulse, error) {
	select {
	case i.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-i.opening }()
	if i.pulse != nil {
		return i.pulse, nil
	}
	p, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	i.pulse = p
	return p, nil
}

// Run is the whole program: it opens, handles events until the platform ends the process, and returns the exit code when
// it cannot begin. Complaints go to stderr, and to the platform.
func Run(
	ctx context.Context, getenv func(string) string, stderr io.Writer, parts shells.Parts,
	handler func(*Instance) lambda.Handler,
) int {
	runtimeAPI := getenv(EnvRuntimeAPI)
	if runtimeAPI == "" {
		complain(stderr, "this program runs in AWS Lambda, and nowhere else")
		return 2
	}
	i := New(getenv, parts)
	if err := i.begin(ctx, stderr); err != nil {
		complain(stderr, err.Error())
		if err := reportInit(ctx, runtimeAPI, err); err != nil {
			complain(stderr, err.Error())
		}
		return 1
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lambda.StartWithOptions(&guarded{instance: i, inner: handler(i)},
		lambda.WithContext(ctx), lambda.WithEnableSIGTERM(func() {
			cancel()
			os.Exit(i.end(ctx))
		}))
	return 1 // it does not return
}

// begin opens the instance; a store that cannot be reached is left to the events.
func (i *Instance) begin(ctx context.Context, stderr io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, initLimit)
	defer cancel()
	_, err := i.Pulse(ctx)
	if err != nil && shells.Unreachable(err) {
		complain(stderr, err.Error()+"; each event tries again")
		return nil
	}
	return err
}

// end waits for the events that are handled, closes the store, and returns the exit code.
func (i *Instance) end(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	for range cap(i.events) {
		select {
		case i.events <- struct{}{}:
		case <-ctx.Done():
			return 1
		}
	}
	if i.pulse == nil {
		return 0
	}
	if i.pulse.API.Close(ctx) != nil || i.pulse.Close() != nil {
		return 1
	}
	return 0
}

func complain(w io.Writer, sentences string) {
	for line := range strings.SplitSeq(sentences, "\n") {
		_, _ = fmt.Fprintln(w, "pulse: "+line)
	}
}

// guarded handles events one by one with inner, and survives its panics, which would otherwise end the process.
type guarded struct {
	instance *Instance
	inner    lambda.Handler
}

// Invoke handles one event.
func (g *guarded) Invoke(ctx context.Context, event []byte) (out []byte, err error) {
	select {
	case g.instance.events <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-g.instance.events }()
	defer func() {
		if p := recover(); p != nil {
			g.instance.Log.Error("the handler of an event panicked", "panic", p, "stack", string(debug.Stack()))
			out, err = nil, errPanicked
		}
	}()
	return g.inner.Invoke(ctx, event)
}
