package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Process is a program that was started.
type Process struct {
	cmd    *exec.Cmd
	output *output
	ended  chan struct{} // closed when the program has ended and err is set
	err    error
}

// start starts cmd, whose stdout goes where it says; said, if not nil, is looked for in what it writes to stderr.
func start(cmd *exec.Cmd, said *regexp.Regexp) (*Process, error) {
	return startInto(cmd, &output{look: said, found: make(chan string, 1)})
}

// startInto starts cmd, whose stderr goes to an output.
func startInto(cmd *exec.Cmd, to *output) (*Process, error) {
	p := &Process{cmd: cmd, output: to, ended: make(chan struct{})}
	cmd.Stderr = to
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	go func() { // ends with the process, which ends with the context that cmd was made with; Wait waits for it
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is what the program has written to stderr so far.
func (p *Process) Log() string { return p.output.text() }

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits until the program has ended by itself or otherwise. The error is an [exec.ExitError] when it ended with
// another code than 0 or by a signal, and wraps the context's when that ends first.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", filepath.Base(p.cmd.Path), ctx.Err())
	}
}

// Signal sends a signal. A program that has ended takes none: [os.ErrProcessDone].
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end, with SIGTERM, and waits until it has. The error is that of [Process.Wait]; a program
// that had ended before is no error.
func (p *Process) Stop(ctx context.Context) error {
	switch err := p.Signal(syscall.SIGTERM); {
	case errors.Is(err, os.ErrProcessDone):
		return nil
	case err != nil:
		return err
	}
	return p.Wait(ctx)
}

// Kill ends the program at once, with SIGKILL, and waits until it has ended.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // a program that has ended needs none
	<-p.ended
}

// failure explains why a program that should have become ready did not.
func (p *Process) failure(err error) error {
	return fmt.Errorf("%s: %w; it wrote: %s", filepath.Base(p.cmd.Path), err, strings.TrimSpace(p.Log()))
}

// output keeps what a program writes and tells of the first line in which it finds something.
type output struct {
	look  *regexp.Regexp // its first group is told
	found chan string

	mu   sync.Mutex
	kept []byte
	line int // where the line begins that is not complete
}

// Write keeps data.
func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, data...)
	for o.look != nil {
		end := bytes.IndexByte(o.kept[o.line:], '\n')
		if end < 0 {
			break
		}
		line := o.kept[o.line : o.line+end]
		o.line += end + 1
		if match := o.look.FindSubmatch(line); match != nil {
			o.found <- string(slices.Clone(match[1]))
			o.look = nil
		}
	}
	return len(data), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}
