package wire

import (
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// ConnectionStatus is how well a target is reached.
type ConnectionStatus string

// The degrees of connection.
const (
	Connected    ConnectionStatus = "connected"
	Degraded     ConnectionStatus = "degraded"     // read, but not all of it, or not lately
	Disconnected ConnectionStatus = "disconnected" // the latest pass failed, or none ended for long
	Pending      ConnectionStatus = "pending"      // no pass ended yet
)

// Connection is how well a target is reached, and why not better.
type Connection struct {
	Status ConnectionStatus
	Reason estate.Reason // empty unless the latest pass failed
	Error  string        // one sentence for people; empty when connected or pending
}

// reached tells whether the present readings come from the target.
func (c Connection) reached() bool { return c.Status == Connected || c.Status == Degraded }

// JudgeConnection tells how well a target is reached as of now. A nil observation is that of a target not read yet.
// A target whose latest pass does not end is first degraded, then disconnected, by the horizon.
func JudgeConnection(o *estate.Observation, h estate.Horizon, now time.Time) Connection {
	if o == nil {
		return Connection{Status: Pending}
	}
	return judgeConnection(o.Poll, h.Judge(estate.Seen{At: o.Poll.LastSuccess}, now))
}

func judgeConnection(p estate.Poll, fresh estate.Freshness) Connection {
	switch {
	case p.Reason != "":
		return Connection{Disconnected, p.Reason, p.Error}
	case p.LastSuccess.IsZero():
		return Connection{Status: Pending}
	case fresh == estate.Unknown:
		return Connection{Status: Disconnected, Error: "no reading has ended for long"}
	case p.Degraded != "":
		return Connection{Status: Degraded, Error: p.Degraded}
	case len(p.Unreachable) > 0:
		return Connection{Status: Degraded, Error: "no answer from " + strings.Join(p.Unreachable, ", ")}
	case fresh == estate.Stale:
		return Connection{Status: Degraded, Error: "no reading has ended lately"}
	default:
		return Connection{Status: Connected}
	}
}

// connectionRow writes the target's entry in `targets`, and returns what in it is a word.
func (p *pass) connectionRow(w *writer) connectionWords {
	t, o, c := p.target, p.obs, p.conn
	w.str(`{"id":`, string(t.ID))
	w.str(`,"name":`, t.Name)
	w.str(`,"type":`, string(t.ID.Kind()))
	w.str(`,"status":`, string(c.Status))
	w.optStr(`,"error":`, c.Error)
	w.optStr(`,"reason":`, string(c.Reason))
	w.optTime(`,"lastSuccess":`, o.Poll.LastSuccess)
	w.optTime(`,"failedSince":`, o.Poll.FailedSince)
	w.optStrs(`,"unreachable":`, o.Poll.Unreachable)
	w.optStr(`,"cluster":`, o.Cluster.Name)
	w.optStr(`,"version":`, o.Cluster.Version)
	if quorate, ok := o.Cluster.Quorate.Get(); ok {
		w.bool(`,"quorate":`, quorate)
	}
	w.raw("}")
	return connectionWords{
		status: c.Status, reason: c.Reason, cluster: o.Cluster.Name,
		quorate: o.Cluster.Quorate, unreachable: strings.Join(slices.Sorted(slices.Values(o.Poll.Unreachable)), ","),
	}
}

// connectionWords is what of a connection is news when it changes; the sentence of an error varies from pass to pass.
type connectionWords struct {
	status      ConnectionStatus
	reason      estate.Reason
	cluster     string
	quorate     estate.Opt[bool]
	unreachable string
}
