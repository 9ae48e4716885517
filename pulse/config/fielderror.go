package config

// FieldError says which field of a document is not acceptable and what would be. It never repeats the
// value, which may be a secret.
type FieldError struct {
	Field  string // the field's name on the wire
	Reason string // what is wanted, as "want 2 to 3600 seconds"
}

// Error returns the field's name and the reason.
func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }
