//go:build linux || darwin || freebsd

package sqlitestore

import "syscall"

// diskFree gives what an ordinary user may still write to the file system of a directory.
func diskFree(dir string) (freeBytes int64, known bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:gosec,unconvert // the types differ between platforms
}
