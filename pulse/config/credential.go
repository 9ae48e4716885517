package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// validCredential wants a user with a password, or a token with its value, and not both.
func (t *Target) validCredential() *FieldError {
	byToken := t.TokenID != "" || !t.TokenSecret.IsZero()
	byPassword := t.User != "" || !t.Password.IsZero()
	switch {
	case byToken && byPassword:
		return &FieldError{"tokenName", "want either a user and a password, or a token and its value"}
	case byToken:
		return t.validToken()
	case byPassword:
		return t.validLogin()
	}
	return &FieldError{"user", "want a user and a password, or a token and its value"}
}

func (t *Target) validLogin() *FieldError {
	if !validUser(t.User) {
		return &FieldError{"user", "want a user with its realm, as monitor@pve"}
	}
	switch password := t.Password.Reveal(); {
	case password == "":
		return &FieldError{"password", "is required"}
	case len(password) > maxSecretLength || !utf8.ValidString(password) ||
		strings.ContainsFunc(password, unicode.IsControl):
		return &FieldError{"password", "want at most 1024 bytes without control characters"}
	}
	return nil
}

func (t *Target) validToken() *FieldError {
	i := strings.LastIndexByte(t.TokenID, '!')
	if i < 0 || !validUser(t.TokenID[:i]) || !validTokenName(t.Kind(), t.TokenID[i+1:]) {
		return &FieldError{"tokenName", "want a token id, as monitor@pve!pulse"}
	}
	switch value := t.TokenSecret.Reveal(); {
	case value == "":
		return &FieldError{"tokenValue", "is required"}
	case len(value) > maxSecretLength || strings.ContainsFunc(value, unfitForHeader):
		return &FieldError{"tokenValue", "want the value that Proxmox showed when the token was made"}
	}
	return nil
}

// unfitForHeader tells whether a character would end or break a token's value in the Authorization header.
func unfitForHeader(r rune) bool { return r <= ' ' || r > '~' || r == ';' }

// validUser accepts what Proxmox does: any name without space, colon and slash, "@", and a realm. The realm
// follows the last "@", since a name in a directory may contain one.
func validUser(user string) bool {
	i := strings.LastIndexByte(user, '@')
	if i <= 0 || len(user) > maxUserLength || !utf8.ValidString(user) {
		return false
	}
	unfit := func(r rune) bool { return r == ':' || r == '/' || unicode.IsSpace(r) || unicode.IsControl(r) }
	return !strings.ContainsFunc(user[:i], unfit) && safeID(user[i+1:])
}

// validTokenName accepts a letter and then letters, digits, dots, dashes and underscores. PBS lets a name
// begin with a digit or an underscore too.
func validTokenName(kind estate.TargetKind, name string) bool {
	return safeID(name) && len(name) <= maxNameLength && (kind == estate.PBS || isLetter(name[0]))
}

// safeID tells whether text is a letter, digit or underscore followed by these, dots and dashes.
func safeID(text string) bool {
	for i, c := range []byte(text) {
		if !isAlnum(c) && c != '_' && (i == 0 || (c != '.' && c != '-')) {
			return false
		}
	}
	return text != ""
}
