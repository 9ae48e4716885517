package estate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// patchVersion is the version of the form of a patch: its first byte. A field that is added at the end of its struct's
// list needs no new one; a version that does not know the field refuses patches in which it changed with [ErrNewer].
const patchVersion = 1

// patchHeader is the length of what stands before the changes: the version and the fingerprint of the base.
const patchHeader = 1 + crc32.Size

var errOtherBase = errors.New("made against another observation")

// EncodePatch returns what changed from base to next, in a form that is much smaller than next: about 40 bytes for a
// guest all of whose numbers moved, and two or three where only its uptime did. A nil base stands for an empty observation.
// Neither observation is written to. It returns nil for an observation that has no form in JSON either, because of a
// time beyond the year 9999 or a number that is not finite.
func EncodePatch(base, next *Observation) []byte {
	if base == nil {
		base = &Observation{}
	}
	c := newPatcher()
	c.writing = true
	c.data = make([]byte, 0, 512+16*len(next.Guests))
	c.data = append(c.data, patchVersion)
	c.data = binary.LittleEndian.AppendUint32(c.data, base.fingerprint())
	start := len(c.data)
	c.prefix(start, 0, visit(c, 0, base, next, observationFields))
	if c.err != nil {
		return nil
	}
	return c.data
}

// ApplyPatch returns the observation that a patch leads to from the base it was made against. Where base is as it was
// read from JSON, so is the result; otherwise it has the same form in JSON. It shares with base what did not change; base
// is not written to, and nil stands for an empty one. A list of the result is no longer than that of base and the bytes
// of the patch together. The error is [ErrDamaged], also for a patch that was made against another base, or [ErrNewer].
func ApplyPatch(base *Observation, patch []byte) (*Observation, error) {
	if base == nil {
		base = &Observation{}
	}
	next, err := applyPatch(base, patch)
	if err != nil {
		return nil, fmt.Errorf("apply patch: %w", err)
	}
	return next, nil
}

func applyPatch(base *Observation, patch []byte) (*Observation, error) {
	switch {
	case len(patch) == 0 || patch[0] == 0:
		return nil, ErrDamaged
	case patch[0] > patchVersion:
		return nil, ErrNewer
	case len(patch) < patchHeader:
		return nil, ErrDamaged
	case binary.LittleEndian.Uint32(patch[1:]) != base.fingerprint():
		return nil, fmt.Errorf("%w: %w", ErrDamaged, errOtherBase)
	}
	c := newPatcher()
	c.data = patch[patchHeader:]
	next := *base
	visit(c, c.uvarint(), base, &next, observationFields)
	switch {
	case c.err != nil:
		return nil, c.err
	case next.Version > ObservationVersion:
		return nil, ErrNewer
	case len(c.data) > 0, next.Version < 1, next.Target.Number() < 0, !next.sorted():
		return nil, ErrDamaged
	}
	return &next, nil
}

// fingerprint tells observations of a target apart, by the pass that made them and the size of what it found.
func (o *Observation) fingerprint() uint32 {
	var room [128]byte
	data := append(room[:0], o.Target...)
	for _, t := range []time.Time{o.Poll.Started, o.Poll.Ended} {
		data = binary.AppendVarint(data, t.Unix())
		data = binary.AppendVarint(data, int64(t.Nanosecond()))
	}
	datastores := -1
	if o.Server != nil {
		datastores = len(o.Server.Datastores)
	}
	for _, n := range []int{o.Version, o.Poll.Failures, len(o.Nodes), len(o.Guests), len(o.Storages), datastores} {
		data = binary.AppendVarint(data, int64(n))
	}
	return crc32.ChecksumIEEE(data)
}
