package config

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The limits of a file that declares targets.
const (
	maxDeclared      = 1000
	maxDeclaredBytes = 4 << 20
)

// Declared is a target that a configuration file declares.
type Declared struct {
	// Target is in its kept form, without Slug and Added, and with its kind alone as ID. It is valid, except
	// that a secret whose file is named below is still missing.
	Target Target
	// PasswordFile and TokenValueFile name files whose contents are the password and the token's value, so
	// that the declaration can be kept where secrets may not be. They are not opened here; empty when the
	// secret is given in place.
	PasswordFile   string
	TokenValueFile string
}

// DecodeDeclared reads a file that declares targets, as {"targets": [{"type": "pve", "host": "…", …}]}; source
// is the file's name, kept in [Target.Source]. Entries have the API's field names (tokenId is another name of
// tokenName), and passwordFile and tokenValueFile beside them; interval is spelt as "10s". An absent monitor
// field means true. Unknown and repeated fields are errors, since a misspelt one would have no effect without
// a word.
//
// The list must be there, since a declared target that no longer is gets removed: [] alone says that none is declared.
// At most 1,000 targets are read. The errors of all entries are joined, one for each bad entry: they name its
// index and the field ([FieldError]) and never a value.
func DecodeDeclared(jsonBytes []byte, source string) ([]Declared, error) {
	if len(jsonBytes) > maxDeclaredBytes {
		return nil, fmt.Errorf("%s: want at most %d MiB", source, maxDeclaredBytes>>20)
	}
	var entries []json.RawMessage
	if err := decodeFields(jsonBytes, map[string]any{"targets": &entries}); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if entries == nil {
		return nil, fmt.Errorf("%s: %w", source, &FieldError{"targets", "want a list; [] declares none"})
	}
	if len(entries) > maxDeclared {
		return nil, fmt.Errorf("%s: %w", source, &FieldError{"targets", "want at most 1000"})
	}
	var errs []error
	declared := make([]Declared, 0, len(entries))
	for i, data := range entries {
		d, err := decodeEntry(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: targets[%d]: %w", source, i, err))
			continue
		}
		d.Target.Source = source
		declared = append(declared, d)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return declared, nil
}
