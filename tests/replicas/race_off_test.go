//go:build !race

package replicas

// buildFlags build the programs as the tests are: without the race detector.
func buildFlags() []string { return nil }
