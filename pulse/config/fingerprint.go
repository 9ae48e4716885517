package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// NormalizeFingerprint returns the SHA-256 fingerprint of a certificate in the form that Proxmox shows:
// 32 upper-case hex bytes with colons between them. It reads hex in either case, with or without colons,
// dashes or spaces, and with openssl's "sha256 Fingerprint=" in front. Empty text stays empty. The error does
// not repeat the text.
func NormalizeFingerprint(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(":-= \t\r\n", r) {
			return -1
		}
		return r
	}, strings.ToLower(text))
	digits = strings.TrimPrefix(strings.TrimPrefix(digits, "sha256"), "fingerprint")
	if digits == "" {
		return "", nil
	}
	raw, err := hex.DecodeString(digits)
	// Zeros are no certificate's, and elsewhere stand for no fingerprint at all.
	if err != nil || len(raw) != sha256.Size || bytes.Count(raw, []byte{0}) == len(raw) {
		return "", errors.New("want a SHA-256 fingerprint: 64 hex digits, colons allowed")
	}
	pairs := make([]string, len(raw))
	for i, b := range raw {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":"), nil
}
