package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "***"

// Secret is a password or token value. Every usual way to text gives "***", or nothing for an empty one.
type Secret struct{ text string }

// NewSecret wraps the clear text of a secret.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the clear text.
func (s Secret) Reveal() string { return s.text }

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns "***", or an empty string when there is no secret.
func (s Secret) String() string {
	if s.text == "" {
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

// UnmarshalJSON reads clear text, as requests and configuration files carry it.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("secret: want a string") // the decoder's text may quote the input
	}
	s.text = text
	return nil
}
