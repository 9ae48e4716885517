package config

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNewer reports a stored document that a newer version of Pulse wrote.
var ErrNewer = errors.New("stored configuration was written by a newer version of Pulse")

// header is what every stored document begins with, whatever its version.
type header struct {
	Version int `json:"version"`
}

// openDocument decodes a stored document of the current version into doc. The error names the document and
// is [ErrNewer] or [ErrDamaged]; it says nothing about the contents, which the decoder's own text may quote.
func openDocument(name string, data []byte, version int, doc any) error {
	var h header
	if err := json.Unmarshal(data, &h); err != nil || h.Version < 1 {
		return fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	if h.Version > version {
		return fmt.Errorf("%s: version %d, want at most %d: %w", name, h.Version, version, ErrNewer)
	}
	if err := json.Unmarshal(data, doc); err != nil {
		return fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	return nil
}
