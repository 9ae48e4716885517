package proxmox

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// Fingerprint is the SHA-256 of a certificate's DER form. The zero Fingerprint means none.
type Fingerprint [sha256.Size]byte

// ParseFingerprint reads 64 hex digits in either case, with or without colons, dashes or white space between them and
// with an optional "SHA256" label in front, as browsers, openssl and Proxmox print them. An empty text is the zero
// Fingerprint.
func ParseFingerprint(text string) (Fingerprint, error) {
	digits := strings.Map(func(r rune) rune {
		switch r {
		case ':', '-', ' ', '\t', '\r', '\n', '=':
			return -1
		}
		return r
	}, text)
	digits = strings.ToLower(digits)
	digits = strings.TrimPrefix(digits, "sha256")
	digits = strings.TrimPrefix(digits, "fingerprint")
	var fp Fingerprint
	if digits == "" {
		return fp, nil
	}
	if len(digits) != hex.EncodedLen(len(fp)) {
		return fp, fmt.Errorf("parse fingerprint: want 64 hex digits of a SHA-256, got %d characters", len(digits))
	}
	if _, err := hex.Decode(fp[:], []byte(digits)); err != nil {
		return Fingerprint{}, fmt.Errorf("parse fingerprint: %w", err)
	}
	return fp, nil
}

// FingerprintOf returns the fingerprint of a certificate.
func FingerprintOf(cert *x509.Certificate) Fingerprint { return sha256.Sum256(cert.Raw) }

// IsZero reports whether there is no fingerprint.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// String prints upper-case hex bytes with colons between them, the way Proxmox shows them; nothing for the zero value.
func (f Fingerprint) String() string {
	if f.IsZero() {
		return ""
	}
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(f)*3-1)
	for i, b := range f {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// MarshalText prints the form of [Fingerprint.String].
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what [ParseFingerprint] reads.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	parsed, err := ParseFingerprint(string(text))
	if err != nil {
		return err
	}
	*f = parsed
	return nil
}
