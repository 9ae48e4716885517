package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unique"
)

const redacted = "***"

// Secret is a password or token value. Every usual way to text gives "***", or nothing for an empty one. Two
// secrets are equal (==) when their texts are.
type Secret struct {
	// A handle and not the text: fmt cannot call the methods of a secret in an unexported field of someone's
	// struct, prints its parts instead, and of a handle that is an address.
	handle unique.Handle[string]
}

// NewSecret wraps the clear text of a secret. Empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{handle: unique.Make(text)}
}

// Reveal returns the clear text.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "***", or an empty string when there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format writes what [Secret.String] returns, whatever the verb, since %#v would show the fields.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue keeps the clear text out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes the redacted form.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText writes the redacted form, for map keys and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalJSON reads clear text, as requests and configuration files carry it; null is no secret.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("secret: want a string") // the decoder's text may quote the input
	}
	*s = NewSecret(text)
	return nil
}
