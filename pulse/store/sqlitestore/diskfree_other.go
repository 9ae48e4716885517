//go:build !linux && !darwin && !freebsd

package sqlitestore

// diskFree does not know.
func diskFree(string) (freeBytes int64, known bool) { return 0, false }
