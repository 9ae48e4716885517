package sim

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
)

// chance draws reproducible numbers: the same key and arguments give the same
// number, in any order of asking.
type chance uint64

// of derives the chance of a part, such as a guest of a cluster.
func (c chance) of(parts ...uint64) chance {
	h := uint64(c)
	for _, p := range parts {
		h = mix(h ^ mix(p+0x9e3779b97f4a7c15))
	}
	return chance(h)
}

// named derives the chance of a part that has a name.
func (c chance) named(name string) chance {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return c.of(h)
}

// unit is a number from 0 up to, not including, 1.
func (c chance) unit() float64 {
	return float64(mix(uint64(c))>>11) / (1 << 53)
}

// between is a number from low up to high.
func (c chance) between(low, high float64) float64 {
	return low + c.unit()*(high-low)
}

// pick chooses one of n.
func (c chance) pick(n int) int {
	return int(mix(uint64(c)) % uint64(n))
}

// bytes fills n bytes.
func (c chance) bytes(n int) []byte {
	out := make([]byte, 0, n+8)
	for i := uint64(0); len(out) < n; i++ {
		out = binary.LittleEndian.AppendUint64(out, mix(uint64(c.of(i))))
	}
	return out[:n]
}

// hex is n bytes as lower-case hex.
func (c chance) hex(n int) string {
	return hex.EncodeToString(c.bytes(n))
}

// uuid looks like the UUIDs that Proxmox uses as token secrets.
func (c chance) uuid() string {
	h := c.hex(16)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// wave is a smooth wander between -1 and 1 with the given period in seconds.
func (c chance) wave(seconds, period float64) float64 {
	return math.Sin(2 * math.Pi * (seconds/period + c.unit()))
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}
