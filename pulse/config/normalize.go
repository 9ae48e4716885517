package config

import (
	"net/url"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// Normalize brings what a person wrote to the form that is kept. It judges nothing: what cannot be
// understood stays as it is, for [Target.Validate] to refuse.
//
// The address is completed ([NormalizeAddress]) and names a target that has no name; the fingerprint takes
// Proxmox's form; a token's short name is joined to the user, and a user beside a token is dropped, since the
// token's id names it; a PBS user without a realm is one of PBS's own.
func (t *Target) Normalize() {
	if address, err := NormalizeAddress(t.Kind(), t.Address); err == nil {
		t.Address = address
	}
	if fingerprint, err := NormalizeFingerprint(t.Fingerprint); err == nil {
		t.Fingerprint = fingerprint
	}
	if t.Name = strings.TrimSpace(t.Name); t.Name == "" {
		t.Name = hostOf(t.Address)
	}
	t.normalizeCredential()
}

func (t *Target) normalizeCredential() {
	t.User, t.TokenID = strings.TrimSpace(t.User), strings.TrimSpace(t.TokenID)
	if t.User != "" && !strings.Contains(t.User, "@") && t.Kind() == estate.PBS {
		t.User += "@pbs"
	}
	if t.TokenID == "" {
		return
	}
	if !strings.Contains(t.TokenID, "!") && t.User != "" {
		t.TokenID = t.User + "!" + t.TokenID
	}
	if t.Password.IsZero() && strings.Contains(t.TokenID, "!") {
		t.User = ""
	}
}

// hostOf returns the host of a normalised address, or nothing.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
