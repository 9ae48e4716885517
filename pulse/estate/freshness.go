package estate

import "time"

// Freshness says how far a reading may be trusted as the present state.
type Freshness string

// The degrees of freshness.
const (
	Live    Freshness = "live"    // as new as Proxmox can tell
	Stale   Freshness = "stale"   // the last reading, too old to be called live
	Unknown Freshness = "unknown" // so old that only the past is known
)

// Seen says when a reading was taken.
type Seen struct {
	// At is when the reply that carried the values arrived, by this machine's clock.
	At time.Time `json:"at,omitzero"`
	// Advanced is the last time the reading proved to be new: PVE repeats the numbers of a node whose
	// pvestatd hangs for five minutes, without a time stamp, and only an uptime that stands still gives
	// that away. Stopped guests and storages inherit it from their node.
	Advanced time.Time `json:"advanced,omitzero"`
}

// Horizon is how old a reading may be before it counts as stale, and as unknown.
type Horizon struct {
	Live  time.Duration // older than this is stale
	Stale time.Duration // older than this is unknown
}

// pvestatd writes its numbers every 10 s, so one missed reading is not yet news.
const (
	minLive  = 25 * time.Second
	minStale = 90 * time.Second
)

// HorizonFor returns the horizon of a target that is read every interval: a reading is live for two and a
// half cycles, at least 25 s, and unknown after nine, at least 90 s.
func HorizonFor(interval time.Duration) Horizon {
	return Horizon{
		Live:  max(minLive, interval*5/2),
		Stale: max(minStale, interval*9),
	}
}

// Judge returns the freshness of a reading at a time. The older of [Seen.At] and [Seen.Advanced] decides;
// a reading that was never taken is unknown.
func (h Horizon) Judge(s Seen, now time.Time) Freshness {
	if s.At.IsZero() {
		return Unknown
	}
	oldest := s.At
	if !s.Advanced.IsZero() && s.Advanced.Before(oldest) {
		oldest = s.Advanced
	}
	age := now.Sub(oldest)
	switch {
	case age <= h.Live:
		return Live
	case age <= h.Stale:
		return Stale
	default:
		return Unknown
	}
}
