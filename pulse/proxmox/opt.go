package proxmox

import "encoding/json"

// Opt is a value that a reply may leave out. The zero Opt is unknown, which is not the same as a known zero: Proxmox
// omits the numbers of an offline node, of a guest that nobody reported for five minutes and of an inactive storage.
type Opt[T any] struct {
	// Value is meaningful only when Known is set; otherwise it is the zero value of T.
	Value T
	// Known tells that the reply carried a usable value.
	Known bool
}

// Some returns a known value.
func Some[T any](v T) Opt[T] { return Opt[T]{Value: v, Known: true} }

// Or returns the value, or fallback when it is unknown.
func (o Opt[T]) Or(fallback T) T {
	if o.Known {
		return o.Value
	}
	return fallback
}

// Get returns the value and whether it is known.
func (o Opt[T]) Get() (T, bool) { return o.Value, o.Known }

// MarshalJSON writes the value, or null when it is unknown.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	*o = Opt[T]{}
	if string(data) == "null" {
		return nil
	}
	if err := json.Unmarshal(data, &o.Value); err != nil {
		return err
	}
	o.Known = true
	return nil
}
