package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// decodeFields reads one JSON object whose fields are all known, into a pointer for each. Unlike the
// decoder's own strict mode it tells upper from lower case, refuses a repeated field, and its errors quote
// nothing but the names of fields. A field that is null counts as absent.
func decodeFields(data []byte, fields map[string]any) error {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return fmt.Errorf("want JSON, not understood after byte %d", syntax.Offset)
		}
		return errors.New("want JSON")
	}
	d := json.NewDecoder(bytes.NewReader(whole))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return errors.New("want a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token() // a name: the whole was found to be JSON
		name, _ := token.(string)
		into, known := fields[name]
		switch {
		case !known:
			return &FieldError{shortened(name), "is not a known field"}
		case seen[name]:
			return &FieldError{name, "is given twice"}
		}
		seen[name] = true
		if err := d.Decode(into); err != nil {
			return &FieldError{name, "want " + wanted(into)} // the decoder's text may quote the value
		}
	}
	return nil
}

// shortened bounds an unknown name, which may be anything.
func shortened(name string) string {
	const most = 40
	if len(name) <= most {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%.*q…", most, name)
}

// wanted says in words what a field's pointer can take.
func wanted(into any) string {
	switch into.(type) {
	case **bool:
		return "true or false"
	case *duration:
		return "a length of time, as 10s"
	case *string, *Secret, *estate.TargetKind:
		return "a string"
	default:
		return "a list"
	}
}
