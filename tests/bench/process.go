package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTime is the CPU time that the threads of a process have used. The scheduler's own count is exact to the
// nanosecond; a thread that ended takes its time with it, but Go keeps its threads.
func cpuTime(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return cpuTicks(pid)
	}
	var sum int64
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // below /proc
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		sum += n
	}
	return time.Duration(sum), nil
}

// cpuTicks is cpuTime in steps of 10 ms, where the kernel keeps no finer count.
func cpuTicks(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	// The name before the last parenthesis may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, fmt.Errorf("read CPU time: /proc/%d/stat is short", pid)
	}
	var ticks int64
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is what a process has of the machine's memory, in bytes.
type memory struct{ resident, proportional, peak int64 }

func readMemory(pid int) (m memory, err error) {
	status := fmt.Sprintf("/proc/%d/status", pid)
	if m.resident, err = field(status, "VmRSS:"); err != nil {
		return m, err
	}
	if m.peak, err = field(status, "VmHWM:"); err != nil {
		return m, err
	}
	m.proportional, err = field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	return m, err
}

// forgetPeak lets the peak of a process's memory begin anew.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200)
}

// writtenBytes is what a process has caused to be written to disk.
func writtenBytes(pid int) (int64, error) {
	return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes:")
}

// field reads the number behind a name; one in kB becomes bytes.
func field(file, name string) (int64, error) {
	text, err := os.ReadFile(file) //nolint:gosec // below /proc
	if err != nil {
		return 0, fmt.Errorf("read what the kernel knows: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != name {
			continue
		}
		n, err := strconv.ParseInt(words[1], 10, 64)
		if len(words) > 2 && words[2] == "kB" {
			n <<= 10
		}
		return n, err
	}
	return 0, fmt.Errorf("no %s in %s", name, file)
}
