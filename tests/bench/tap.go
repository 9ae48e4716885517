package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// tap counts what one replica sends to Redis.
type tap struct {
	mu       sync.Mutex
	pending  map[int][]byte // what a connection has sent of a command that is not complete
	counts   map[string]traffic
	states   traffic                // commands that write what was observed
	written  map[string][]time.Time // when a group's state was written
	failures []error
}

// traffic is a number of commands and their bytes, as they are on the wire.
type traffic struct{ commands, bytes int64 }

func (t *traffic) add(size int) {
	t.commands++
	t.bytes += int64(size)
}

func newTap() *tap {
	return &tap{pending: map[int][]byte{}, counts: map[string]traffic{}, written: map[string][]time.Time{}}
}

// sent is for [lab.ProxyOptions].
func (t *tap) sent(connection int, data []byte) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := append(t.pending[connection], data...)
	for len(rest) > 0 {
		args, size, err := command(rest)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			t.failures = append(t.failures, err)
			rest = nil
			break
		}
		t.note(args, size, now)
		rest = rest[size:]
	}
	t.pending[connection] = rest
}

// command reads one command and returns how many bytes it took.
func command(data []byte) (args []string, size int, err error) {
	source := bytes.NewReader(data)
	in := bufio.NewReader(source)
	value, err := lab.ReadRESP(in)
	if err != nil {
		return nil, 0, err
	}
	list, _ := value.([]any)
	for _, v := range list {
		text, _ := v.(string)
		args = append(args, text)
	}
	if len(args) == 0 {
		return nil, 0, errors.New("what a client sent to Redis is no command")
	}
	return args, len(data) - source.Len() - in.Buffered(), nil
}

// note counts a command.
func (t *tap) note(args []string, size int, now time.Time) {
	name := strings.ToLower(args[0])
	count := t.counts[name]
	count.add(size)
	t.counts[name] = count
	if group, ok := writtenState(args); ok {
		t.states.add(size)
		t.written[group] = append(t.written[group], now)
	}
}

// tally is what was counted so far.
type tally struct {
	all, states traffic
	counts      map[string]traffic
}

func (t *tap) tally() (tally, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := tally{states: t.states, counts: maps.Clone(t.counts)}
	for _, n := range t.counts {
		sum.all.commands += n.commands
		sum.all.bytes += n.bytes
	}
	return sum, errors.Join(t.failures...)
}

// since is what was counted after an earlier tally.
func (s tally) since(before tally) tally {
	less := func(a, b traffic) traffic { return traffic{a.commands - b.commands, a.bytes - b.bytes} }
	out := tally{all: less(s.all, before.all), states: less(s.states, before.states), counts: map[string]traffic{}}
	for name, n := range s.counts {
		if d := less(n, before.counts[name]); d.commands > 0 {
			out.counts[name] = d
		}
	}
	return out
}

// wrote is when the state of a target was written last before a moment; the zero time when it never was.
func (t *tap) wrote(target string, before time.Time) (last time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range t.written[target] {
		if at.Before(before) {
			last = at
		}
	}
	return last
}

// writtenState returns the group of which a command writes what was observed; false for any other command. Only scripts
// write, and the hash tag of the keys they are called with is the group's name behind its length, as {5:pve-0}.
func writtenState(args []string) (group string, ok bool) {
	if len(args) < 4 || strings.ToLower(args[0]) != "evalsha" {
		return "", false
	}
	if !slices.Contains(args, "readings") && !slices.Contains(args, "observation") {
		return "", false
	}
	_, tagged, _ := strings.Cut(args[3], "{")
	tag, _, _ := strings.Cut(tagged, "}")
	_, group, ok = strings.Cut(tag, ":")
	return group, ok
}
