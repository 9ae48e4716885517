// Package storetest holds the suite that every [store.Store] must pass. A store passes it or is no store; a store's own
// tests need to cover only its oddities.
//
// A store's test gives [Run] a function that makes a [Harness]: the same data opened any number of times, with a clock
// the suite can move. The suite sleeps nowhere; where another process's hint must arrive it waits for it, up to a minute.
// [Fuzz] tries names, [Benchmarks] measures what happens in each cycle.
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(tb testing.TB) storetest.Harness { return newHarness(tb) })
//	}
//
// The package is for embedders that write a store, and kept compatible from v1 on; a store that passed may fail a later
// version that looks closer.
package storetest

import (
	"testing"
	"time"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Harness is one body of data, empty at first.
type Harness interface {
	// Open gives a further store on the data, as another process would open it. The suite closes it, maybe more than once.
	Open(tb testing.TB) store.Store
	// Advance lets d pass for all stores opened and yet to be opened. Between calls their clock may run or stand still.
	Advance(d time.Duration)
	// Flush empties the data behind the backs of the open stores, as an administrator of the server would.
	Flush(tb testing.TB)
}

// Maker makes a harness with data of its own; what it opens it closes with tb.Cleanup.
type Maker func(tb testing.TB) Harness

// Run runs the suite. Its parts run in parallel, each with a harness of its own.
func Run(t *testing.T, newHarness Maker) {
	t.Helper()
	for _, part := range parts() {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range part.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, newHarness(t))
				})
			}
		})
	}
}

// check is one test of the suite.
type check struct {
	name string
	run  func(t *testing.T, h Harness)
}

type part struct {
	name  string
	cases []check
}

func parts() []part {
	return []part{
		{"Commit", commitChecks()},
		{"Revision", revisionChecks()},
		{"Race", raceChecks()},
		{"List", listChecks()},
		{"Limit", limitChecks()},
		{"Chunk", chunkChecks()},
		{"Count", countChecks()},
		{"Lease", leaseChecks()},
		{"Hint", hintChecks()},
		{"Close", closeChecks()},
		{"Context", contextChecks()},
		{"Batch", batchChecks()},
		{"Model", []check{{"BehavesLikeAMap", modelMatches}}},
	}
}

// open gives a store that is closed with the test at the latest.
func open(tb testing.TB, h Harness) store.Store {
	tb.Helper()
	s := h.Open(tb)
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}
