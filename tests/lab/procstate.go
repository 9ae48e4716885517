package lab

import (
	"bytes"
	"fmt"
	"os"
)

// processState is the letter by which Linux tells what a process does: R, S, T when it is stopped.
func processState(pid int) (byte, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("state of process %d: %w", pid, err)
	}
	_, rest, found := bytes.Cut(stat, []byte(") ")) // the name before it may hold anything but this
	if !found || len(rest) == 0 {
		return 0, fmt.Errorf("state of process %d: %q", pid, stat)
	}
	return rest[0], nil
}
