package shells

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sharedDataDir is where the installation script of earlier releases put the data.
const sharedDataDir = "/etc/pulse"

// findDataDir returns the directory that a person chose, or the first of systemd's, shared if it exists and can be
// written, and one in the person's home.
func findDataDir(chosen, shared string, getenv func(string) string) (string, error) {
	if chosen != "" {
		return absolute(chosen)
	}
	if state, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":"); state != "" {
		return state, nil
	}
	if writable(shared) {
		return shared, nil
	}
	if data := getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "pulse"), nil
	}
	if local := getenv("LOCALAPPDATA"); filepath.IsAbs(local) {
		return filepath.Join(local, "Pulse"), nil
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "pulse"), nil
	}
	return "", &SettingError{Env: envDataDir, Reason: "is required, since there is no home directory to keep data in"}
}

func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: the working directory is gone, so want an absolute path: %w", envDataDir, err)
	}
	return abs, nil
}

// writable tells whether a directory exists and a file can be made in it, which is asked by making one: permission bits
// alone do not tell, on a read-only file system for one.
func writable(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	probe, err := os.CreateTemp(dir, ".pulse-probe-*")
	if err != nil {
		return false
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name())) == nil
}
