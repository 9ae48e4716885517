package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Instance is one process of a function.
type Instance struct {
	*Process
	// InitTime is the time from its start to when it asked for its first event.
	InitTime time.Duration

	api    *runtimeAPI
	freeze bool // between events

	mu     sync.Mutex
	served int
}

// startInstance starts a program and returns when it is ready for its first event. A failed init is a [*FunctionError].
func startInstance(ctx context.Context, program string, env []string, freeze bool) (*Instance, error) {
	ended := make(chan struct{})
	api, err := serveRuntimeAPI(ctx, ended)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+api.address)
	cmd.Dir = filepath.Dir(program)
	out := &output{}
	cmd.Stdout = out
	began := time.Now()
	p, err := startInto(cmd, out)
	if err != nil {
		close(ended)
		return nil, err
	}
	go func() { // ends with the process
		<-p.ended
		close(ended)
	}()
	i := &Instance{Process: p, api: api, freeze: freeze}
	if err := i.awaitInit(ctx); err != nil {
		return nil, err
	}
	i.InitTime = time.Since(began)
	return i, i.pause()
}

func (i *Instance) awaitInit(ctx context.Context) error {
	select {
	case <-i.api.asked:
		return nil
	case <-i.ended:
	case <-ctx.Done():
		i.Kill()
	}
	select {
	case failed := <-i.api.failed:
		return failed
	default:
	}
	return errors.Join(i.exited(), ctx.Err())
}

// Served is how many events it has been given.
func (i *Instance) Served() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.served
}

// Frozen tells whether the process is stopped, as Linux shows it.
func (i *Instance) Frozen() (bool, error) {
	state, err := processState(i.PID())
	return state == 'T', err
}

// invoke gives it an event and returns when it asked for the next one. Where it cannot be used any more, usable is false.
func (i *Instance) invoke(ctx context.Context, id string, event []byte, deadline time.Time) (answer []byte, usable bool, err error) {
	if err := i.resume(); err != nil {
		return nil, false, err
	}
	n := &invocation{id: id, event: event, deadline: deadline, done: make(chan outcome, 1)}
	select {
	case i.api.work <- n:
	case <-i.ended:
		return nil, false, i.exited()
	}
	i.mu.Lock()
	i.served++
	i.mu.Unlock()
	over, cancel := context.WithTimeout(ctx, max(0, time.Until(deadline))+deadlineGrace)
	defer cancel()
	var o outcome
	select {
	case o = <-n.done:
	case <-i.ended:
		return nil, false, i.exited()
	case <-over.Done():
		i.Kill()
		return nil, false, errors.Join(&FunctionError{Type: "Sandbox.Timedout", Message: "Task timed out"}, ctx.Err())
	}
	select {
	case <-i.api.asked: // only now the event is done with
	case <-i.ended:
		return o.answer, false, o.err
	}
	return o.answer, true, errors.Join(o.err, i.pause())
}

// deadlineGrace is what an overdue answer gets here, since a loaded machine is slower than Lambda.
const deadlineGrace = 10 * time.Second

// exited is what is told of a program that has ended.
func (i *Instance) exited() error {
	message := "Runtime exited without providing a reason"
	if i.err != nil {
		message = "Runtime exited with error: " + i.err.Error()
	}
	return i.failure(&FunctionError{Type: "Runtime.ExitError", Message: message})
}

// pause freezes it, if it is to be frozen.
func (i *Instance) pause() error {
	if !i.freeze {
		return nil
	}
	return i.signal(syscall.SIGSTOP, "freeze")
}

func (i *Instance) resume() error {
	if !i.freeze {
		return nil
	}
	return i.signal(syscall.SIGCONT, "thaw")
}

func (i *Instance) signal(s syscall.Signal, what string) error {
	if err := i.Signal(s); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// end ends it as the platform does: one that asked to be told is told, and another one ends at once.
func (i *Instance) end(ctx context.Context) error {
	if !i.api.toldOfItsEnd() {
		i.Kill()
		return nil
	}
	_ = i.resume() // it may have ended
	return i.Stop(ctx)
}
