package sim

import (
	"slices"
	"strconv"
	"time"
)

// frame is a timeframe of RRD data in version 9.
type frame struct {
	step   time.Duration
	points int
}

// frames are the timeframes that the API knows.
func frames() map[string]frame {
	return map[string]frame{
		"hour":   {time.Minute, 60},
		"day":    {time.Minute, 1440},
		"week":   {30 * time.Minute, 336},
		"month":  {30 * time.Minute, 1440},
		"year":   {6 * time.Hour, 1440},
		"decade": {7 * 24 * time.Hour, 570},
	}
}

// history answers rrddata: one row per step, made by point; a row for which
// point knows nothing has only its time.
func (k *call) history(point func(at time.Time) object) *reply {
	name := k.param("timeframe")
	if name == "" {
		return invalid(map[string]string{"timeframe": "property is missing and it is not optional"})
	}
	f, known := frames()[name]
	if !known {
		return invalid(map[string]string{
			"timeframe": "value '" + name + "' does not have a value in the enumeration 'hour, day, week, month, year, decade'",
		})
	}
	if cf := k.param("cf"); cf != "" && !slices.Contains([]string{"AVERAGE", "MAX"}, cf) {
		return invalid(map[string]string{
			"cf": "value '" + cf + "' does not have a value in the enumeration 'AVERAGE, MAX'",
		})
	}
	end := k.now.Truncate(f.step)
	rows := make([]object, 0, f.points)
	for i := f.points; i > 0; i-- {
		at := end.Add(-time.Duration(i) * f.step)
		row := point(at)
		row["time"] = at.Unix()
		rows = append(rows, row)
	}
	return ok(rows)
}

// nodeHistory is the recorded load of a node; every member has that of all.
func (k *call) nodeHistory() *reply {
	n := k.c.node(k.vars["node"])
	if n == nil {
		return missingHistory("pve-node-9.0", k.vars["node"])
	}
	return k.history(func(at time.Time) object {
		if at.Before(n.booted) || n.off && at.After(k.c.clk.time(n.published(k.tick))) {
			return object{}
		}
		r := n.at(at, uint64(at.Unix()/60))
		rate := n.chance.of(saltNetIn).between(1e5, 5e6)
		return object{
			"cpu": r.cpu, "iowait": r.wait, "loadavg": r.load1, "maxcpu": n.maxCPU,
			"memtotal": n.maxMem, "memused": r.mem, "memavailable": n.maxMem - r.mem, "arcsize": 0,
			"swaptotal": int64(8_589_930_496), "swapused": r.swapUsed, "roottotal": n.maxDisk, "rootused": r.disk,
			"netin": rate, "netout": rate / 2,
			"pressurecpusome": 0.35, "pressureiosome": 0.09, "pressureiofull": 0.05,
			"pressurememorysome": 0, "pressurememoryfull": 0,
		}
	})
}

// guestHistory is the recorded load of a guest; while it was stopped only its
// sizes are known.
func (k *call) guestHistory() *reply {
	vmid, err := strconv.Atoi(k.vars["vmid"])
	g := k.c.guests[vmid]
	if err != nil || g == nil {
		return missingHistory("pve-vm-9.0", k.vars["vmid"])
	}
	return k.history(func(at time.Time) object {
		if at.Before(g.created) {
			return object{}
		}
		row := object{"maxcpu": g.maxCPU, "maxmem": g.maxMem, "maxdisk": g.maxDisk}
		if !g.live.alive() || at.Before(g.live.started) {
			return row
		}
		r := g.at(g.live, at, uint64(at.Unix()/60))
		later := g.at(g.live, at.Add(time.Minute), uint64(at.Unix()/60))
		row["cpu"], row["mem"], row["memhost"], row["disk"] = r.cpu, r.mem, r.memHost, r.disk
		row["netin"], row["netout"] = perSecond(r.netIn, later.netIn), perSecond(r.netOut, later.netOut)
		row["diskread"], row["diskwrite"] = perSecond(r.diskRead, later.diskRead), perSecond(r.diskWrite, later.diskWrite)
		for _, name := range []string{"cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull"} {
			row["pressure"+name] = 0.05
		}
		return row
	})
}

func perSecond(before, after int64) float64 { return float64(after-before) / 60 }

func missingHistory(folder, name string) *reply {
	return serverError("RRD error: opening '/var/lib/rrdcached/db/" + folder + "/" + name + "': No such file or directory")
}
