package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the platform tells a function about itself.
const (
	functionName = "pulse"
	functionARN  = "arn:aws:lambda:eu-central-1:123456789012:function:pulse"
)

// FunctionOptions say how a function is run. The zero value gives an invocation 30 s, starts an instance for each event
// that comes while the others are busy, and freezes none.
type FunctionOptions struct {
	// Env is added to what the platform sets.
	Env map[string]string
	// Timeout is how long an invocation may take.
	Timeout time.Duration
	// Instances is how many there may be; an event that finds none free waits. 0 is 64.
	Instances int
	// Freezes stops the process of each instance between events, as Lambda does: its clocks jump.
	Freezes bool
}

// environment is the whole environment of the program, but for the runtime API's address.
func (o FunctionOptions) environment() []string {
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "TZ": ":UTC", "LANG": "en_US.UTF-8", "_HANDLER": "bootstrap",
		"AWS_REGION": "eu-central-1", "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_NAME": functionName, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + functionName, "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/02/[$LATEST]1",
	}
	maps.Copy(env, o.Env)
	list := make([]string, 0, len(env)+1)
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// Function is a program that runs as an AWS Lambda function, behind a platform that gives its instances events.
type Function struct {
	options FunctionOptions
	start   func() (*Instance, error)
	places  chan struct{} // one taken for each instance that handles an event

	mu        sync.Mutex
	serial    int
	idle      []*Instance // the one used last at the end
	instances []*Instance // all that ever were
	ended     bool
}

var errFunctionEnded = errors.New("the function has ended")

// StartFunction starts a function with one instance and returns when that is ready for events. It ends with ctx. A failed
// init is a [*FunctionError].
func StartFunction(ctx context.Context, program string, o FunctionOptions) (*Function, error) {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Instances == 0 {
		o.Instances = 64
	}
	f := &Function{
		options: o, places: make(chan struct{}, o.Instances),
		start: func() (*Instance, error) { return startInstance(ctx, program, o.environment(), o.Freezes) },
	}
	i, err := f.free()
	if err != nil {
		return nil, err
	}
	f.release(i)
	return f, nil
}

// free returns an instance that handles no event, the one used last, or else a new one.
func (f *Function) free() (*Instance, error) {
	i, err := f.takeIdle()
	if i != nil || err != nil {
		return i, err
	}
	if i, err = f.start(); err != nil {
		return nil, fmt.Errorf("start an instance: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instances = append(f.instances, i)
	return i, nil
}

// takeIdle returns nil when there is none.
func (f *Function) takeIdle() (*Instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, errFunctionEnded
	}
	for len(f.idle) > 0 {
		last := len(f.idle) - 1
		i := f.idle[last]
		f.idle = f.idle[:last]
		select {
		case <-i.ended: // by itself; another one takes its place
		default:
			return i, nil
		}
	}
	return nil, nil
}

func (f *Function) release(i *Instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, i)
}

// Invoke gives an event to an instance and returns its answer. What the function tells as an error, and what the platform
// tells of a process that ended or took too long, is a [*FunctionError].
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	return f.InvokeUntil(ctx, event, time.Now().Add(f.options.Timeout))
}

// InvokeUntil is Invoke with a deadline of its own, which may have passed.
func (f *Function) InvokeUntil(ctx context.Context, event []byte, deadline time.Time) ([]byte, error) {
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
	case <-ctx.Done():
		return nil, fmt.Errorf("invoke: %w", ctx.Err())
	}
	i, err := f.free()
	if err != nil {
		return nil, fmt.Errorf("invoke: %w", err)
	}
	answer, usable, err := i.invoke(ctx, f.nextID(), event, deadline)
	if usable {
		f.release(i)
	}
	if err != nil {
		return nil, fmt.Errorf("invoke: %w", err)
	}
	return answer, nil
}

func (f *Function) nextID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	return fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", f.serial)
}

// Instances are all that were started so far, also those that ended, in their order.
func (f *Function) Instances() []*Instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.instances)
}

// Stop ends all instances in order; no event must be under way. The error is for one that ended with another code than 0.
func (f *Function) Stop(ctx context.Context) error {
	f.mu.Lock()
	f.ended = true
	idle := f.idle
	f.idle = nil
	f.mu.Unlock()
	errs := make([]error, len(idle))
	var ending sync.WaitGroup
	for n, i := range idle {
		ending.Go(func() { errs[n] = i.end(ctx) })
	}
	ending.Wait()
	return errors.Join(errs...)
}

// Log is what all instances have written so far.
func (f *Function) Log() string {
	var all strings.Builder
	for _, i := range f.Instances() {
		all.WriteString(i.Log())
	}
	return all.String()
}
