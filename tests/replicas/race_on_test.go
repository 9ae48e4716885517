//go:build race

package replicas

// buildFlags build the programs as the tests are: with the race detector, which fails a program that had a race when
// it ends, and from the same packages, so that what was compiled for the tests serves again.
func buildFlags() []string { return []string{"-race", "-trimpath=false"} }
