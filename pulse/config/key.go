package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"
)

// KeySize is the length of an encryption key in bytes.
const KeySize = 32

// Key is an AES-256 key, made by [NewKey] or [ParseKey]. Like a [Secret] it never shows itself. The zero Key
// is none: using it panics.
type Key struct {
	// Of a string and not an array: fmt follows a pointer to an array where the verb does not fit.
	handle unique.Handle[string]
}

// NewKey returns a random key.
func NewKey() Key {
	var raw [KeySize]byte
	_, _ = rand.Read(raw[:]) // never fails
	return keyOf(raw[:])
}

func keyOf(raw []byte) Key { return Key{handle: unique.Make(string(raw))} }

// ParseKey reads a key written as base64 (44 characters, or 43 without padding) or hex (64 characters) of
// 32 bytes. White space around it is ignored. The error does not repeat the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString,
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		raw, err := decode(text)
		if err == nil && len(raw) == KeySize {
			return keyOf(raw), nil
		}
	}
	return Key{}, errors.New("want 32 bytes as base64 or hex")
}

// IsZero tells whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Encode returns the key as standard base64, the form of a key file.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.raw()) }

// String hides the key.
func (Key) String() string { return redacted }

// Format hides the key whatever the verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the key out of structured logs.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key from encoders. [Key.Encode] is the way to its text.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (k Key) raw() []byte {
	if k.IsZero() {
		panic("config: the zero Key was used")
	}
	return []byte(k.handle.Value())
}
