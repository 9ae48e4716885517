//go:build unix

package sqlitestore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the test binary as another process of a test if one asked for it.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(child(role, os.Getenv(pathVariable)))
	}
	goleak.VerifyTestMain(m)
}
