package sim

import "time"

// expiry is how long published numbers live without renewal, as in pmxcfs.
const expiry = 5 * time.Minute

// clock turns time into ticks. Tick 0 is the moment the estate was made.
type clock struct {
	base time.Time
	tick time.Duration
	now  func() time.Time
}

// at is the tick in force at t.
func (c clock) at(t time.Time) int64 {
	return int64(t.Sub(c.base) / c.tick)
}

// time is the moment tick n was published.
func (c clock) time(n int64) time.Time {
	return c.base.Add(time.Duration(n) * c.tick)
}

// expired tells whether numbers of tick n are dropped in tick current.
func (c clock) expired(n, current int64) bool {
	return time.Duration(current-n)*c.tick > expiry
}
