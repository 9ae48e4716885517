package collect

import "github.com/proxpulse/proxpulse/pulse/estate"

// reading is one sight of a guest's byte counters, with the guest's own uptime as their clock.
type reading struct {
	uptime                             int64
	netIn, netOut, diskRead, diskWrite estate.Opt[int64]
}

// advanceRates takes the rates over from the last accepted counters to a new reading and returns the new base.
func advanceRates(rates estate.Rates, base estate.Counters, r reading) (estate.Rates, estate.Counters) {
	rates.NetIn, base.NetIn = advanceRate(rates.NetIn, base.NetIn, r.netIn, r.uptime)
	rates.NetOut, base.NetOut = advanceRate(rates.NetOut, base.NetOut, r.netOut, r.uptime)
	rates.DiskRead, base.DiskRead = advanceRate(rates.DiskRead, base.DiskRead, r.diskRead, r.uptime)
	rates.DiskWrite, base.DiskWrite = advanceRate(rates.DiskWrite, base.DiskWrite, r.diskWrite, r.uptime)
	return rates, base
}

// advanceRate computes one rate in bytes per second. Time is the guest's uptime: PVE repeats numbers between two loops
// of its status daemon, and the times of polls say nothing about when a counter was read.
func advanceRate(
	last estate.Opt[float64], base estate.Counter, v estate.Opt[int64], uptime int64,
) (estate.Opt[float64], estate.Counter) {
	now, known := v.Get()
	switch {
	case uptime <= 0:
		return estate.Opt[float64]{}, estate.Counter{}
	case base.Uptime == 0 || uptime < base.Uptime: // the first reading, or the guest restarted
		if !known {
			return estate.Opt[float64]{}, estate.Counter{}
		}
		return estate.Opt[float64]{}, estate.Counter{Value: now, Uptime: uptime}
	case uptime == base.Uptime: // the same reading again
		return last, base
	case !known, now == 0 && base.Value > 0: // the hypervisor did not answer; the gap is bridged when it does
		return estate.Opt[float64]{}, base
	case now < base.Value: // the counter was reset while the guest ran on
		return estate.Opt[float64]{}, estate.Counter{Value: now, Uptime: uptime}
	}
	rate := float64(now-base.Value) / float64(uptime-base.Uptime)
	return estate.Some(rate), estate.Counter{Value: now, Uptime: uptime}
}
