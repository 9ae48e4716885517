package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The limits of a target's fields.
const (
	maxNameLength   = 100 // characters
	maxUserLength   = 100
	maxSecretLength = 1024
)

// Validate returns a [*FieldError] for the first field that cannot be used, or nil. Fields carry their wire
// names: type, name, host, user, password, tokenName, tokenValue, fingerprint, verifySSL, interval.
//
// The target must be in its kept form ([Target.Normalize]). One that has no number yet carries its kind
// alone as ID. Whether Proxmox accepts any of it is not asked.
func (t *Target) Validate() error {
	for _, check := range []func() *FieldError{ // the address before the name that may come from it
		t.validKind, t.validAddress, t.validName, t.validCredential, t.validTrust, t.validInterval,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Target) validKind() *FieldError {
	if kind := t.Kind(); kind != estate.PVE && kind != estate.PBS {
		return &FieldError{"type", "want pve or pbs"}
	}
	return nil
}

func (t *Target) validName() *FieldError {
	switch n := utf8.RuneCountInString(t.Name); {
	case n == 0 || n > maxNameLength:
		return &FieldError{"name", "want 1 to 100 characters"}
	case !utf8.ValidString(t.Name) || strings.ContainsFunc(t.Name, rearranges):
		return &FieldError{"name", "want no control characters"}
	case strings.TrimSpace(t.Name) != t.Name:
		return &FieldError{"name", "want no space at either end"}
	}
	return nil
}

// rearranges tells whether a character is a control, breaks the line, or has the text around it shown in another order, by
// which one name could pass for another.
func rearranges(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

func (t *Target) validAddress() *FieldError {
	if t.Address == "" {
		return &FieldError{"host", "is required"}
	}
	address, err := NormalizeAddress(t.Kind(), t.Address)
	if err != nil {
		return &FieldError{"host", err.Error()}
	}
	if address != t.Address {
		return &FieldError{"host", "want https://host:port"}
	}
	return nil
}

func (t *Target) validTrust() *FieldError {
	fingerprint, err := NormalizeFingerprint(t.Fingerprint)
	if err != nil {
		return &FieldError{"fingerprint", err.Error()}
	}
	if fingerprint != t.Fingerprint {
		return &FieldError{"fingerprint", "want 32 upper-case hex bytes with colons"}
	}
	switch t.Verify {
	case VerifyAuto, VerifySystem, VerifyOff:
		return nil
	}
	return &FieldError{"verifySSL", "want true, false or nothing"}
}

func (t *Target) validInterval() *FieldError {
	if t.Interval != 0 && (t.Interval < MinPollingInterval || t.Interval > MaxPollingInterval) {
		return &FieldError{"interval", "want 2 s to 1 h, or 0 to follow the settings"}
	}
	return nil
}

// VerifyModeOf returns the mode that the wire's verifySSL asks for; nil is an absent field.
func VerifyModeOf(verifySSL *bool) VerifyMode {
	switch {
	case verifySSL == nil:
		return VerifyAuto
	case *verifySSL:
		return VerifySystem
	default:
		return VerifyOff
	}
}
