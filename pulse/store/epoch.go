package store

import (
	"crypto/rand"
	"encoding/binary"
)

// NewEpoch draws the epoch of a new group. It is random rather than counted, since a counter could be lost together with
// the groups it was meant to tell apart.
func NewEpoch() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails: it ends the process where the system has no randomness
		if e := binary.NativeEndian.Uint64(b[:]); e != 0 {
			return e
		}
	}
}
