package pulse

import (
	"cmp"
	"hash/fnv"
	"slices"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// assign shares the targets out among the pollers: everybody who knows the same of both comes to the same result. Each
// poller gets as many targets as any other, or one less, and one that comes or goes moves few targets: each target
// prefers the pollers in an order of its own (rendezvous hashing) and takes the first that has room.
func assign(targets []estate.TargetID, pollers []string) map[estate.TargetID]string {
	owners := make(map[estate.TargetID]string, len(targets))
	if len(pollers) == 0 {
		return owners
	}
	targets = slices.Sorted(slices.Values(targets))
	room := rooms(len(targets), len(pollers))
	held := make(map[string]int, len(pollers))
	for _, id := range targets {
		for _, poller := range preferred(id, pollers) {
			if room.takes(held[poller]) {
				held[poller]++
				owners[id] = poller
				break
			}
		}
	}
	return owners
}

// shares is how many targets each poller may have: least each, and one more for the first few that reach it.
type shares struct{ least, larger int }

func rooms(targets, pollers int) *shares {
	return &shares{least: targets / pollers, larger: targets % pollers}
}

// takes tells whether a poller that has held targets takes another one, and counts it.
func (s *shares) takes(held int) bool {
	switch {
	case held < s.least:
		return true
	case held == s.least && s.larger > 0:
		s.larger--
		return true
	default:
		return false
	}
}

// preferred returns the pollers in the order in which a target prefers them.
func preferred(id estate.TargetID, pollers []string) []string {
	weights := make(map[string]uint64, len(pollers))
	for _, poller := range pollers {
		weights[poller] = weight(id, poller)
	}
	return slices.SortedFunc(slices.Values(pollers), func(a, b string) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), cmp.Compare(a, b))
	})
}

// weight is even over all values, which FNV alone is not for names that differ at their end: the last steps mix it.
func weight(id estate.TargetID, poller string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(poller + "\x00" + string(id))) // a hash takes everything
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
