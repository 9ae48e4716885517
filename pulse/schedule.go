package pulse

import (
	"math/rand/v2"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// maxBackOff is the longest time between two tries of a target that fails.
const maxBackOff = time.Minute

// pause returns the time until a target's next pass: its interval, longer after failures, and a little more or less
// each time so that several targets, and several monitors, do not keep step.
func (m *Monitor) pause(id estate.TargetID) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.targets[id]
	if t == nil {
		return maxBackOff // about to be stopped
	}
	var last estate.Poll
	if t.obs != nil {
		last = t.obs.Poll
	}
	wait := backOff(m.interval(t), last.Failures, last.Reason)
	return jitter(wait, rand.Float64()) //nolint:gosec // spreads load, guards nothing
}

// backOff returns how long to wait after a number of failed passes in a row: twice as long after each from the second
// on, up to a minute or the interval. Rejected credentials are not tried more often than once a minute, since Proxmox
// logs each try and may block the address.
func backOff(interval time.Duration, failures int, reason estate.Reason) time.Duration {
	ceiling := max(interval, maxBackOff)
	if failures > 0 && reason == estate.ReasonUnauthorized {
		return ceiling
	}
	wait := interval
	for range failures - 1 {
		if wait *= 2; wait >= ceiling {
			return ceiling
		}
	}
	return wait
}

// jitter moves a wait by up to 5 % either way; random is from 0 to 1.
func jitter(wait time.Duration, random float64) time.Duration {
	return wait + time.Duration((random-0.5)*0.1*float64(wait))
}

// earliest is the least that a wait may be shortened to: a caller of Poll that comes at every interval comes a little
// early at times.
func earliest(wait time.Duration) time.Duration { return wait - wait/20 }
