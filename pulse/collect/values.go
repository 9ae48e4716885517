package collect

import (
	"math"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// value carries a number of a reply over, known or not.
func value[T any](v proxmox.Opt[T]) estate.Opt[T] {
	if !v.Known {
		return estate.Opt[T]{}
	}
	return estate.Some(v.Value)
}

// amount is a size or count that cannot be negative.
func amount(v proxmox.Opt[int64]) estate.Opt[int64] {
	if !v.Known || v.Value < 0 {
		return estate.Opt[int64]{}
	}
	return estate.Some(v.Value)
}

// capacity is an amount of which zero means that it was not measured.
func capacity(v proxmox.Opt[int64]) estate.Opt[int64] {
	if v.Value <= 0 {
		return estate.Opt[int64]{}
	}
	return amount(v)
}

// processors is a count of CPUs, possibly a fraction; zero means that it was not measured.
func processors(v proxmox.Opt[float64]) estate.Opt[float64] {
	if !v.Known || !(v.Value > 0) || math.IsInf(v.Value, 0) {
		return estate.Opt[float64]{}
	}
	return estate.Some(v.Value)
}

// fraction is a share of something; a negative one comes from a counter that was reset.
func fraction(v proxmox.Opt[float64]) estate.Opt[float64] {
	if !v.Known || !(v.Value >= 0) || math.IsInf(v.Value, 0) {
		return estate.Opt[float64]{}
	}
	return estate.Some(v.Value)
}

// settle replaces a value only by a known one.
func settle[T any](at *estate.Opt[T], v estate.Opt[T]) {
	if v.Known() {
		*at = v
	}
}

// keep replaces a string only by a different one, so that what stays the same stays shared with the last observation.
func keep(at *string, v string) {
	if *at != v {
		*at = v
	}
}

// splitList cuts a separated list, or returns last when it says the same.
func splitList(list string, separator byte, last []string) []string {
	if sameList(list, separator, last) {
		return last
	}
	var out []string
	for part := range strings.SplitSeq(list, string(separator)) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// sameList tells, without allocating, whether joining items with the separator gives the list.
func sameList(list string, separator byte, items []string) bool {
	for i, item := range items {
		if i > 0 {
			if list == "" || list[0] != separator {
				return false
			}
			list = list[1:]
		}
		if !strings.HasPrefix(list, item) {
			return false
		}
		list = list[len(item):]
	}
	return list == ""
}

// clockSkew is how far the server's clock is ahead, from a Date header that carries whole seconds: below two seconds
// nothing can be told from the rounding and the way.
func clockSkew(meta proxmox.Meta) estate.Skew {
	if meta.ServerTime.IsZero() {
		return 0
	}
	ahead := meta.ServerTime.Add(time.Second / 2).Sub(meta.At)
	if ahead.Abs() < 2*time.Second {
		return 0
	}
	return estate.Skew(ahead.Round(time.Second))
}
