package estate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNewer reports a stored observation that a newer version of Pulse wrote.
var ErrNewer = errors.New("written by a newer version of Pulse")

// ErrDamaged reports stored data that is no observation.
var ErrDamaged = errors.New("damaged")

// DecodeObservation reads a stored observation, of this version of Pulse or an earlier one. The error is
// [ErrNewer] or [ErrDamaged]; the caller, who knows where the data was, names the place.
func DecodeObservation(data []byte) (*Observation, error) {
	var o Observation
	if err := json.Unmarshal(data, &o); err != nil {
		if newer(data) { // whose fields may have other types
			return nil, fmt.Errorf("decode observation: %w", ErrNewer)
		}
		return nil, fmt.Errorf("decode observation: %w: %w", ErrDamaged, err)
	}
	switch {
	case o.Version > ObservationVersion:
		return nil, fmt.Errorf("decode observation: %w", ErrNewer)
	case o.Version < 1 || o.Target.Number() < 0:
		return nil, fmt.Errorf("decode observation: %w: no version or target", ErrDamaged)
	case !o.sorted():
		return nil, fmt.Errorf("decode observation: %w: not sorted", ErrDamaged)
	}
	return &o, nil
}

func newer(data []byte) bool {
	var header struct {
		Version int `json:"version"`
	}
	return json.Unmarshal(data, &header) == nil && header.Version > ObservationVersion
}

// sorted tells whether the look-ups find what is there.
func (o *Observation) sorted() bool {
	return slices.IsSortedFunc(o.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) }) &&
		slices.IsSortedFunc(o.Guests, func(a, b Guest) int { return cmp.Compare(a.VMID, b.VMID) })
}
