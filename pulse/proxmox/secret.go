package proxmox

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "***"

// Secret is a password or a token's secret. Printing, formatting, logging and JSON all show asterisks; only [Secret.Reveal]
// gives the text, so that each use can be found by name.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String returns asterisks, or nothing when the secret is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString returns asterisks.
func (s Secret) GoString() string { return `proxmox.Secret("` + s.String() + `")` }

// Format writes asterisks whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	// A fmt.State has nowhere to report a failed write to.
	_, _ = io.WriteString(f, text)
}

// LogValue returns asterisks for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON returns asterisks as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalText returns asterisks, for encoders that ask for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Credential is how a client proves who it is: an API token (TokenID and TokenSecret), or a user with a password. A token
// wins when both are given, since it needs no login, no renewal and no CSRF header.
type Credential struct {
	// User is the login name with its realm, such as "root@pam".
	User string
	// Password belongs to User.
	Password Secret
	// TokenID is the full token id, "user@realm!name".
	TokenID string
	// TokenSecret is the value shown once when the token was made.
	TokenSecret Secret
}

// LogValue shows who the credential is for and never its secrets.
func (c Credential) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", c.User), slog.String("tokenID", c.TokenID))
}

// usesToken reports whether requests carry an API token instead of a ticket.
func (c Credential) usesToken() bool { return c.TokenID != "" }
